"""Tables at any width: every figure whole, every name complete."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.models.card import Card
from streetsight.models.releases import Release
from streetsight.models.tables import figure_table, print_table

FIGURES = st.text("0123456789.-+~%", min_size=1, max_size=16)
LETTERS = st.integers(1, 40).map("n".__mul__)
ROWS = st.lists(st.tuples(LETTERS, FIGURES, FIGURES, FIGURES), min_size=1, max_size=5)
HEADINGS = ("", "boxes", "AP\n50-95", "区间")


def printed(rows: list[tuple[str, ...]], width: int) -> str:
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        patch.setenv("COLUMNS", str(width))
        print_table(figure_table(HEADINGS, [rows, rows[:1]]))
    return out.getvalue()


@given(ROWS, st.integers(20, 150))
def test_figures_are_never_cut_and_names_only_folded(rows: list[tuple[str, ...]], width: int) -> None:
    text = printed(rows, width)
    assert not [figure for row in rows for figure in row[1:] if figure not in text.split()]
    assert text.count("n") == sum(len(name) for name, *_ in [*rows, rows[0]])


@given(ROWS)
def test_what_fits_is_not_folded(rows: list[tuple[str, ...]]) -> None:
    assert not [name for name, *_ in rows if name not in printed(rows, 150).split()]


def test_cells_are_no_markup() -> None:
    assert "[red]x[/]" in printed([("[red]x[/]", "1", "2", "3")], 80)


def figures(card: Card) -> set[str]:
    """What the tables of a card show of its evaluations and thresholds."""
    found = {f"{each.threshold:.3f}" for each in card.classes}
    for evaluation in card.evaluations:
        for row in (*evaluation.classes, *evaluation.conditions):
            low, high = row.intervals["ap50"]
            assert row.false_alarms_per_100 is not None
            found |= {str(row.photos), f"{row.ap50:.3f}", f"{low:.2f}-{high:.2f}", f"{row.ap50_95:.3f}"}
            found |= {f"{row.false_alarms_per_100:.1f}", f"{'~' if row.rough else ''}{row.boxes}"}
            found |= {f"{each:.2f}" for each in (row.precision, row.recall) if each is not None}
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_figure_of_a_card_can_be_read(release: Release, language: str, width: int) -> None:
    arguments = ["models", "show", release.card.name, "--lang", language]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": str(width)})
    assert done.exit_code == 0, done.output
    assert max(map(cell_len, done.output.splitlines())) <= width
    assert not figures(release.card) - set(done.output.split())
    if width >= 80:
        assert not set(release.card.class_names) - set(done.output.split()), "names are whole, too"


def test_every_figure_reaches_a_file(release: Release, tmp_path: Path) -> None:
    path = tmp_path / "card.txt"
    with path.open("w") as file:
        command = [sys.executable, "-m", "streetsight", "models", "show", release.card.name]
        subprocess.run(command, stdout=file, stdin=subprocess.DEVNULL, check=True)
    assert not (figures(release.card) | set(release.card.class_names)) - set(path.read_text("utf-8").split())


def test_the_list_of_releases_fits_a_narrow_terminal() -> None:
    listed = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    done = CliRunner().invoke(app, ["models", "list", "--lang", "en"], env={"COLUMNS": "60"})
    assert max(map(cell_len, done.output.splitlines())) <= 60
    words = done.output.split()
    assert all(row["created"] in words and f"{row['map50_test']:.3f}" in words for row in listed)
