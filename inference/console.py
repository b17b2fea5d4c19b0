"""What a run shows on a terminal: its progress, and tables of what was seen and what became of the photos."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streetsight.inference.report import Tally
from streetsight.models.card import Card
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy


@contextlib.contextmanager
def progress_bar(
    console: Console, total: int | None, language: Language, quiet: bool = False
) -> Iterator[Callable[[], None]]:
    """A bar where somebody looks at it; call what it gives once per photo.

    Args:
        total: None when unknown, as with videos.
    """
    if quiet or not console.is_terminal or (total is not None and total < 2):
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(translate("photos", language), total=total)
        yield lambda: progress.advance(bar)


def print_tally(console: Console, tally: Tally, card: Card, language: Language) -> None:
    """Classes and outcomes of all photos, counted."""
    if tally.detections:
        console.print(_seen_table(tally, card, language))
    else:
        console.print(translate("Nothing was detected.", language))
    console.print(_outcome_table(tally, language))


def print_place(console: Console, path: object, language: Language) -> None:
    """Where the results are."""
    # A path may look like markup, and must stay in one piece to be copied.
    console.print(translate("Results are in {path}", language, path=path), markup=False, soft_wrap=True)


def _seen_table(tally: Tally, card: Card, language: Language) -> Table:
    def say(message: str) -> str:
        return translate(message, language)

    taxonomy = default_taxonomy()
    seen = Table(say("class"), say("condition"), title=say("What was seen"), title_justify="left")
    for heading in ("detections", "photos"):
        seen.add_column(say(heading), justify="right")
    for name in sorted(card.class_names, key=lambda each: -tally.detections[each]):
        if tally.detections[name]:
            condition = taxonomy[name].condition
            seen.add_row(
                f"[{taxonomy[name].colour}]■[/] {taxonomy[name].label(language)}",
                taxonomy.conditions[condition].label(language) if condition else say("context"),
                str(tally.detections[name]), str(tally.photos_with[name]),
            )  # fmt: skip
    return seen


def _outcome_table(tally: Tally, language: Language) -> Table:
    def say(message: str) -> str:
        return translate(message, language)

    outcomes = Table(say("outcome"), title=say("Photos"), title_justify="left")
    outcomes.add_column(say("photos"), justify="right")
    for outcome, count in tally.outcomes.most_common():
        outcomes.add_row(say(outcome), str(count))
    for fault, count in tally.faults.most_common():
        outcomes.add_row(f"  {say('not scorable')}: {say(fault)}", str(count))
    return outcomes
