"""Errors for people end every command in one way: said in the language of the user, with their status."""

import ast
from pathlib import Path

import pytest
import typer

from streetsight.models.cli import spoken_errors
from streetsight.models.history import HistoryError
from streetsight.models.language import SpokenError
from streetsight.models.releases import ReleaseError

ROOT = Path(__file__).parents[3]
USAGE, DATA = 2, 3


class LabelsError(SpokenError):
    """Trouble with data, as one of the folders would define it."""


@pytest.mark.parametrize(
    ("error", "status"),
    [(SpokenError, USAGE), (ReleaseError, DATA), (HistoryError, DATA), (LabelsError, DATA)],
)
def test_the_status_is_that_of_the_kind_of_error(
    error: type[SpokenError], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, spoken_errors("zh", (LabelsError,)):
        raise error("Results are in {path}", path="out")
    assert ended.value.exit_code == status
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "错误: 结果已写入 out\n")


def test_errors_that_no_verb_calls_data_are_usage() -> None:
    with pytest.raises(typer.Exit) as ended, spoken_errors(None):
        raise LabelsError("no")
    assert ended.value.exit_code == USAGE


def test_a_language_that_is_not_spoken_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, spoken_errors("fr"):
        pytest.fail("nothing is done in a language that is not spoken")
    assert ended.value.exit_code == USAGE
    assert "language 'fr' is not available" in capsys.readouterr().err


def test_faults_of_the_program_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), spoken_errors("en"):
        _ = 1 / 0


def test_no_command_line_does_it_on_its_own() -> None:
    own = [
        str(path.relative_to(ROOT))
        for folder in ("datasets", "training")
        for path in sorted((ROOT / folder).rglob("*cli.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and "SpokenError" in ast.unparse(node.type or ast.Constant(""))
    ]
    assert not own
