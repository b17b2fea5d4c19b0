"""`streetsight models`: which releases there are, and what their cards say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from streetsight.models.card import Evaluation
    from streetsight.models.history import Entry
    from streetsight.models.listing import Listed
    from streetsight.models.registry import Registry
    from streetsight.models.taxonomy import Language

app = typer.Typer(no_args_is_help=True, help="Releases: list, read, register, compare, promote, roll back.")

EXIT_MODEL = 3

Lang = Annotated[str | None, typer.Option(help="zh-CN or en; by locale when not given.")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(
        "--registry", envvar="STREETSIGHT_RELEASES",
        help="Your own folder of releases; looked into before the shipped ones.",
    ),
]  # fmt: skip


@contextmanager
def spoken_errors(lang: str | None) -> "Iterator[Language]":
    """The language to speak; errors with releases are said in it and end with status 3."""
    from streetsight.models.language import SpokenError, resolve_language, translate
    from streetsight.models.releases import ReleaseError

    language: Language = "en"
    try:
        language = resolve_language(lang)
        yield language
    except SpokenError as error:
        typer.secho(f"{translate('Error', language)}: {error.say(language)}", err=True, fg=typer.colors.RED)
        raise typer.Exit(EXIT_MODEL if isinstance(error, ReleaseError) else 2) from error


def open_registry(folder: Path | None) -> "Registry":
    """The operator's registry over the shipped one."""
    from streetsight.models.registry import Registry
    from streetsight.models.releases import search_path

    return Registry(search_path(folder))


@app.command("list")
def list_(
    registry: RegistryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per release.")] = False,
    lang: Lang = None,
) -> None:
    """Releases that are there; the one in force is marked."""
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.language import translate
    from streetsight.models.listing import list_registry

    with spoken_errors(lang) as language:
        rows = list_registry(open_registry(registry))
        if as_json:
            typer.echo(json.dumps([_as_data(row) for row in rows], indent=2, ensure_ascii=False))
            return
        table = Table("")
        for word in ("release", "created", "registered", "AP50 (test)", "registry"):
            table.add_column(translate(word, language), no_wrap=word == "release")
        for row in rows:
            table.add_row(*_cells(row, language))
        Console().print(table)
        for row in rows:
            if row.fault:
                typer.secho(f"! {row.name}: {row.fault.say(language)}", err=True, fg=typer.colors.RED)


@app.command()
def history(
    registry: RegistryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per event.")] = False,
    lang: Lang = None,
) -> None:
    """Who registered, compared, promoted or rolled back what, when and why; oldest first.

    Exit status: 0, or 3 when the history was damaged or edited.
    """
    with spoken_errors(lang) as language:
        events = open_registry(registry).history()
        if as_json:
            typer.echo(f"[{','.join(each.model_dump_json() for each in events)}]")
            return
        for each in events:
            for line in _event_lines(each, language):
                typer.echo(line)


@app.command()
def show(
    release: Annotated[
        str | None, typer.Argument(help="Name or folder; the one in force when not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The card as it is stored.")] = False,
    registry: RegistryOption = None,
    lang: Lang = None,
) -> None:
    """The card of a release: classes, thresholds, data, figures, limits.

    Exit status: 0, or 3 when the release is missing or damaged.
    """
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.releases import load_release, search_path
    from streetsight.models.taxonomy import default_taxonomy

    with spoken_errors(lang) as language:
        card = load_release(release, search_path(registry)).card
    if as_json:
        typer.echo(card.model_dump_json(indent=2))
        return
    console, taxonomy = Console(), default_taxonomy()
    console.print(f"[bold]{card.address}[/]  {card.architecture}, {card.licence}, {card.created}")
    console.print(f"input {card.input.size} px, head {card.output.head}, taxonomy {card.taxonomy_version}")
    table = Table("class", "name", "condition", "threshold", title="classes", title_justify="left")
    for each in card.classes:
        entry = taxonomy[each.name]
        table.add_row(each.name, entry.label(language), entry.condition or "-", f"{each.threshold:.3f}")
    console.print(table)
    for evaluation in card.evaluations:
        console.print(figures_table(evaluation))
    for source in card.data:
        console.print(
            f"data: {source.name}, {source.photos} photos, {', '.join(source.labelled_classes)}; "
            f"{source.licence}",
            markup=False,
        )
    for limit in card.limits:
        console.print(f"limit: {limit}", markup=False)


def _event_lines(entry: "Entry", language: "Language") -> Iterator[str]:
    """An event for a terminal: what happened, and below it why."""
    from streetsight.models.language import translate

    change = " -> ".join(filter(None, (entry.from_address, entry.to_address)))
    when = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"{when}  {translate(entry.action, language)}  {change}  ({entry.who})"
    if entry.reason:
        yield f"    {entry.reason}"
    for objection in entry.overridden:
        yield f"    {translate('forced against: {objection}', language, objection=objection)}"
    if entry.evidence_sha256:
        yield f"    {translate('evidence: {digest}', language, digest=entry.evidence_sha256[:12])}"


def _cells(row: "Listed", language: "Language") -> tuple[str, ...]:
    """A row of the listing."""
    from rich.markup import escape

    from streetsight.models.language import translate
    from streetsight.models.releases import SHIPPED

    place = translate("shipped", language) if row.folder == SHIPPED else translate("your own", language)
    registered = f"{row.registered.astimezone():%Y-%m-%d}" if row.registered else "-"
    mark = "!" if row.fault else "*" if row.in_force else ""
    if row.card is None:
        return (mark, escape(row.name), "-", registered, "-", place)
    figure = f"{row.map50_test:.3f}" if row.map50_test is not None else "-"
    return (mark, row.card.address, str(row.card.created), registered, figure, place)


def _as_data(row: "Listed") -> dict[str, object]:
    """A row of the listing as JSON has it."""
    return {
        "name": row.name,
        "address": row.card and row.card.address,
        "in_force": row.in_force,
        "created": row.card and str(row.card.created),
        "registered": row.registered and row.registered.isoformat(),
        "classes": list(row.card.class_names) if row.card else None,
        "input_px": row.card and row.card.input.size,
        "map50_test": row.map50_test,
        "folder": str(row.folder),
        "fault": row.fault and str(row.fault),
    }


def figures_table(evaluation: "Evaluation") -> "Table":
    """The figures of one part of the photos, a row per class and condition, for a terminal.

    95 % intervals stand beside AP50; `~` marks figures that rest on little.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"{evaluation.part}: {evaluation.photos} photos"
    for mean, name in (("condition_map50", "AP50 of conditions"), ("map50", "AP50"), ("map50_95", "AP50-95")):
        value, ends = getattr(evaluation, mean), evaluation.intervals.get(mean)
        if value is not None:
            title += f", mean {name} {value:.3f}" + (f" ({ends[0]:.3f}-{ends[1]:.3f})" if ends else "")
    table = Table(
        title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD, pad_edge=False,
        caption="P, R, FA: precision, recall, false alarms per 100 photos, as deployed. ~ rests on little.",
    )  # fmt: skip
    for heading in ("class", "photos", "boxes", "AP50", "95 %", "AP50-95", "P", "R", "FA"):
        table.add_column(heading, justify="left" if heading == "class" else "right", no_wrap=True)
    for section in (evaluation.classes, evaluation.conditions):
        for row in section:
            ends = row.intervals.get("ap50")
            table.add_row(
                row.name, str(row.photos), f"{'~' if row.rough else ''}{row.boxes}", f"{row.ap50:.3f}",
                f"{ends[0]:.2f}-{ends[1]:.2f}" if ends else "-", f"{row.ap50_95:.3f}",
                _figure(row.precision), _figure(row.recall), _figure(row.false_alarms_per_100, 1),
            )  # fmt: skip
        table.add_section()
    return table


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
