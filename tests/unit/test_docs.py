"""What the docs say is so: figures are the card's, verbs and outcomes are named, links lead somewhere."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import typer

from streetsight.cli import app
from streetsight.inference.reading import Outcome
from streetsight.models.releases import load_release
from streetsight.models.taxonomy import Language, default_taxonomy

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])


@pytest.fixture(scope="module")
def figures(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("figures")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_accuracy_shown_is_the_cards(figures: ModuleType, language: Language) -> None:
    shown = figures.block(figures.READMES[language].read_text(encoding="utf-8"), "accuracy")
    assert shown == figures.accuracy(load_release().card, language), "run `make figures`"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_speed_is_shown(figures: ModuleType, language: Language) -> None:
    shown = figures.block(figures.READMES[language].read_text(encoding="utf-8"), "speed")
    assert len(re.findall(r"\d", shown)) > 10, "run `make bench`, then `make figures`"


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_verb_is_named(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert [verb for verb in verbs if verb not in text] == []


def test_every_outcome_is_explained() -> None:
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    assert [outcome for outcome in ("accepted", *get_args(Outcome)) if f"`{outcome}`" not in text] == []


def test_the_page_on_the_taxonomy_speaks_of_this_version() -> None:
    text = (ROOT / "docs/taxonomy.md").read_text(encoding="utf-8")
    assert all(scheme in text for scheme in default_taxonomy().schemes)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_requirement_files_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path
        assert text.count("--hash=sha256:") > 100, path
