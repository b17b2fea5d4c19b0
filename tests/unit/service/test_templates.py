"""What holds for the markup of every page."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[3] / "service" / "pages" / "templates"


def test_a_form_whose_script_is_late_goes_nowhere() -> None:
    """Without a method a browser would put what was typed, passwords too, into the address."""
    forms = [
        (path.name, form)
        for path in TEMPLATES.glob("*.html")
        for form in re.findall(r"<form\b[^>]*", path.read_text(encoding="utf-8"))
    ]
    assert len(forms) > 70
    assert [form for form in forms if not re.search(r'method="(get|post|dialog)"', form[1])] == []
