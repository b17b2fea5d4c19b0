"""`streetsight dataset import` and `export`: labels in from other tools, and out to them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from streetsight.models.cli import Lang, spoken_errors

if TYPE_CHECKING:
    from streetsight.datasets.formats.exporting import ExportSummary
    from streetsight.datasets.formats.geometry import Orientation
    from streetsight.datasets.formats.labels import FormatName
    from streetsight.datasets.formats.request import ImportSummary
    from streetsight.models.taxonomy import Language

EXIT_PROBLEMS = 1
SHOWN_PROBLEMS = 20

Item = TypeVar("Item")
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]
AsJson = Annotated[bool, typer.Option("--json", help="The summary as JSON.")]
Replace = Annotated[bool, typer.Option("--replace", help="Put the result in place of what is there.")]


def import_(
    path: Annotated[
        Path, typer.Argument(help="Folder, zip archive, or a label file with its photos beside.")
    ],
    dataset: Annotated[Path, typer.Option("--to", help="Dataset: the folder that holds sources/.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the new source; our own exports know theirs.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", "-f", help="auto | yolo | coco | voc | cvat | labelstudio")
    ] = "auto",
    classes: Annotated[
        list[str] | None,
        typer.Option(
            help='"theirs=ours", "theirs=-" to drop its boxes, or a .toml of such lines; repeatable.'
        ),
    ] = None,
    labelled: Annotated[
        str | None,
        typer.Option(
            help="Classes labelled wherever they occur, by comma; else those that the files declare."
        ),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Under which the photos may be used.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder or zip with the photos, if elsewhere.")] = None,
    groups: Annotated[
        Path | None, typer.Option(help="CSV image,group: photos of one place or patrol.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(help='"folder", or a regular expression on the path whose first bracket is the group.'),
    ] = None,
    orientation: Annotated[
        str, typer.Option(help="What labels of turned photos refer to: auto | upright | stored")
    ] = "auto",
    missing_empty: Annotated[
        bool, typer.Option("--missing-labels-are-empty", help="Photos without labels show nothing.")
    ] = False,
    drop_crowds: Annotated[
        bool, typer.Option("--drop-crowds", help="Leave COCO's crowd regions out, not their photos.")
    ] = False,
    ignore_sidecar: Annotated[
        bool, typer.Option("--ignore-sidecar", help="Import our own export like a stranger's.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Hard links instead of copies, where possible.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Any problem: write nothing.")] = False,
    replace: Replace = False,
    as_json: AsJson = False,
    lang: Lang = None,
    quiet: Quiet = False,
) -> None:
    """Bring labels of another tool into a dataset, as one more source.

    Photos that cannot be taken are left out, listed, and written to import-problems.csv in the new source.

    Examples:

      streetsight dataset import export.zip --to data --name spring --licence "CC BY 4.0"

      streetsight dataset import cvat.zip --to data --name spring --classes "trash=garbage" --classes "dog=-"

      streetsight dataset import frames/ --to data --name patrol7 --group-by "(.*)_[0-9]+[.]jpg"

    Exit status: 0 all photos were taken, 1 some were not, 2 usage, 3 nothing was written.
    """
    from streetsight.datasets.classes import read_class_map
    from streetsight.datasets.formats.importing import import_labels
    from streetsight.datasets.formats.labels import ExchangeError, UsageError
    from streetsight.datasets.formats.request import ImportRequest, Refused
    from streetsight.models.taxonomy import default_taxonomy

    with spoken_errors(lang, (ExchangeError,)) as language:
        taxonomy = default_taxonomy()
        if orientation not in ("auto", "upright", "stored"):
            raise UsageError("orientation {given}: choose auto, upright or stored", given=repr(orientation))
        request = ImportRequest(
            path=path, dataset=dataset, classes=read_class_map(classes or [], taxonomy), name=name,
            form=_format(form) if form != "auto" else None,
            labelled=_class_names(labelled), licence=licence, images=images, groups_csv=groups,
            group_by=group_by, orientation=cast("Orientation", orientation), strict=strict,
            missing_are_empty=missing_empty, drop_crowds=drop_crowds, ignore_sidecar=ignore_sidecar,
            link=link, replace=replace,
        )  # fmt: skip
        try:
            summary = import_labels(request, _bar("importing", quiet or as_json))
        except Refused as refused:
            _print_problems(refused.summary, language)
            raise
        if as_json:
            typer.echo(json.dumps(_import_rows(summary, language), ensure_ascii=False, indent=1))
        elif not quiet:
            _print_import(summary, dataset, language)
    raise typer.Exit(EXIT_PROBLEMS if summary.problems else 0)


def export(
    dataset: Annotated[Path, typer.Argument(help="Dataset: the folder that holds sources/.")],
    form: Annotated[str, typer.Option("--format", "-f", help="yolo | coco | voc | cvat | labelstudio")],
    target: Annotated[Path, typer.Option("--to", help="New folder, or a new archive where it ends in .zip.")],
    sources: Annotated[str | None, typer.Option(help="Only these, by comma.")] = None,
    part: Annotated[str | None, typer.Option(help="Only this part of the split: train | val | test")] = None,
    split: Annotated[
        Path | None, typer.Option(help="The split as CSV; else as `dataset split` makes it.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Only boxes of these, by comma; ids stay as they are.")
    ] = None,
    replace: Replace = False,
    as_json: AsJson = False,
    lang: Lang = None,
    quiet: Quiet = False,
) -> None:
    """Write a dataset in another tool's format, photos included: complete, or not at all.

    Examples:

      streetsight dataset export data --format yolo --to out/yolo

      streetsight dataset export data --format cvat --to spring.zip --sources spring --classes garbage

    Exit status: 0, 2 usage, 3 nothing was written.
    """
    from streetsight.datasets.formats.exporting import chosen_records, export_labels
    from streetsight.datasets.formats.labels import ExchangeError
    from streetsight.datasets.photo_cache import PhotoCache
    from streetsight.datasets.splits import SplitError
    from streetsight.models.taxonomy import default_taxonomy

    with spoken_errors(lang, (ExchangeError, SplitError)) as language:
        wanted = frozenset(_words(sources)) if sources is not None else None
        with PhotoCache() as cache:
            parts = chosen_records(dataset, wanted, part, split, cache)
        summary = export_labels(
            parts, target, _format(form), default_taxonomy(), _class_names(classes), replace,
            _bar("exporting", quiet or as_json),
        )  # fmt: skip
        if as_json:
            rows = {"to": str(target), "format": form, "photos": summary.photos, "boxes": summary.boxes}
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        elif not quiet:
            _print_export(summary, target, language)


def _format(form: str) -> "FormatName":
    from streetsight.datasets.formats.labels import FORMATS, UsageError

    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError("format {form} is not available; choose one of {known}", form=form, known=known)
    return form


def _words(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]


def _class_names(text: str | None) -> frozenset[str] | None:
    from streetsight.datasets.formats.labels import UsageError
    from streetsight.models.taxonomy import default_taxonomy

    if text is None:
        return None
    names, known = frozenset(_words(text)), default_taxonomy().names
    if not names or names - set(known):
        raise UsageError(
            "no class {names} in the taxonomy; known: {known}",
            names=", ".join(sorted(names - set(known))) or repr(text), known=", ".join(known),
        )  # fmt: skip
    return names


def _bar(description: str, quiet: bool) -> Callable[[list[Item]], Iterable[Item]]:
    from rich.console import Console
    from rich.progress import track

    def watch(items: list[Item]) -> Iterable[Item]:
        return track(items, description, console=Console(stderr=True), transient=True, disable=quiet)

    return watch


def _print_import(summary: "ImportSummary", dataset: Path, language: "Language") -> None:
    from streetsight.models.language import translate

    for source, photos in summary.sources.items():
        place = dataset / "sources" / source
        message = "{photos} photos are in {path} (read as {form})"
        typer.echo(translate(message, language, photos=photos, path=place, form=summary.form))
    typer.echo(translate("{empty} of them show none of the classes", language, empty=summary.empty))
    for name, count in sorted(summary.boxes.items()):
        typer.echo(f"  {name}: {count}")
    for label, count in sorted(summary.dropped.items()):
        typer.echo(translate("  dropped: {label}: {count}", language, label=label, count=count))
    for note, count in summary.notes.items():
        typer.echo(f"{count} {translate(note, language)}")
    _print_problems(summary, language)


def _print_problems(summary: "ImportSummary", language: "Language") -> None:
    from streetsight.datasets.formats.importing import PROBLEMS_FILE
    from streetsight.models.language import translate

    if not summary.problems:
        return
    left_out = len({photo for photo, _ in summary.problems if photo})
    message = "{count} problems; {photos} photos were left out:"
    typer.echo(translate(message, language, count=len(summary.problems), photos=left_out), err=True)
    for photo, problem in summary.problems[:SHOWN_PROBLEMS]:
        place = ", ".join(filter(None, (problem.file, problem.place)))
        behind = f" [{photo}]" if photo and photo != problem.file else ""
        typer.echo(f"  {place}: {problem.say(language)}{behind}", err=True)
    if len(summary.problems) > SHOWN_PROBLEMS:
        more = len(summary.problems) - SHOWN_PROBLEMS
        message = "  and {more} more; a source that was written lists all of them in {file}"
        typer.echo(translate(message, language, more=more, file=PROBLEMS_FILE), err=True)


def _import_rows(summary: "ImportSummary", language: "Language") -> dict[str, Any]:
    return {
        "format": summary.form,
        "sources": dict(summary.sources),
        "empty": summary.empty,
        "boxes": dict(summary.boxes),
        "dropped": dict(summary.dropped),
        "notes": dict(summary.notes),
        "problems": [
            {"file": each.file, "place": each.place, "problem": each.say(language), "photo": photo or None}
            for photo, each in summary.problems
        ],
    }


def _print_export(summary: "ExportSummary", target: Path, language: "Language") -> None:
    from streetsight.datasets.formats.request import CLEARED
    from streetsight.models.language import translate

    parts = ", ".join(f"{part} {count}" for part, count in summary.photos.items() if count)
    message = "{photos} photos ({parts}) with {boxes} boxes are in {path}"
    total = sum(summary.photos.values())
    typer.echo(translate(message, language, photos=total, parts=parts, boxes=summary.boxes, path=target))
    if summary.cleared:
        typer.echo(f"{summary.cleared} {translate(CLEARED, language)}")
