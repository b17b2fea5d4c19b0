"""`streetsight dataset split | build | show | diff`: deal photos out, freeze them, compare versions."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streetsight.models.cli import Lang, spoken_errors

if TYPE_CHECKING:
    from rich.table import Table

    from streetsight.datasets.digests import Advance
    from streetsight.datasets.manifest import Manifest
    from streetsight.datasets.photo_cache import PhotoCache
    from streetsight.datasets.splits import Parts
    from streetsight.datasets.version_diff import Diff
    from streetsight.models.taxonomy import Language

EXIT_DIFFERENT = 1
SHOWN_CHANGES = 20

Dataset = Annotated[Path, typer.Argument(metavar="DATASET_DIR", help="The folder that holds sources/.")]
Version = Annotated[
    Path, typer.Argument(metavar="VERSION", help="Folder of a version; its name may be shortened.")
]
Fractions = Annotated[
    str | None, typer.Option(help="Shares of train, val and test; 0.75,0.1,0.15 when not given.")
]
Seed = Annotated[int, typer.Option(min=0, help="Decides between equal groups.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def split(
    dataset: Dataset,
    fractions: Fractions = None,
    seed: Seed = 0,
    given: Annotated[
        Path | None, typer.Option("--from", help="Check this split (CSV: image,part, maybe source) instead.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Write the split here as CSV.")] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Deal photos into train, val and test: whole groups, each class with its share, the same every time.

    Photos without a group are compared with all others, and near-duplicates stay together.

    Exit status: 0, 2 usage, 3 data: files that cannot be used, or groups that straddle parts.
    """
    from streetsight.datasets.splits import write_split
    from streetsight.models.durable import replace_file
    from streetsight.models.tables import print_table

    with spoken(lang) as language:
        with progress() as (cache, advance):
            parts = _deal(dataset, given, fractions, seed, cache, advance)
        if to:
            replace_file(to, write_split(parts).encode())
        if as_json:
            rows = {
                part: [f"{each.source}/{each.image.name}" for each in kept] for part, kept in parts.items()
            }
            typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        print_table(_split_table(parts, language))
        if to:
            _say("The split is in {path}", language, path=to)


def build(
    dataset: Dataset,
    to: Annotated[Path, typer.Option(help="Folder that holds versions.")],
    fractions: Fractions = None,
    seed: Seed = 0,
    given: Annotated[Path | None, typer.Option("--split", help="A split as CSV, kept as it is.")] = None,
    note: Annotated[str, typer.Option(help="What this version is for.")] = "",
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Freeze a dataset: who is in which part, every box, every photo's digest; photos are not copied.

    The same content has the same address everywhere; building it again changes nothing.

    Exit status: 0, 2 usage, 3 data: files that cannot be used, leaks, labels that contradict each other.
    """
    from streetsight.datasets.versions import freeze, store
    from streetsight.models.tables import print_table

    with spoken(lang) as language:
        with progress() as (cache, advance):
            parts = _deal(dataset, given, fractions, seed, cache, advance)
            version, new = store(freeze(parts, dataset, cache, advance), to, note)
        if as_json:
            row = {"address": version.address, "folder": str(version.folder), "new": new}
            typer.echo(json.dumps(row | _summary(version.manifest), indent=1, ensure_ascii=False))
            return
        if new:
            _say("built {address}", language, address=version.address)
        else:
            _say("{address} was there already; nothing was changed", language, address=version.address)
        print_table(_version_table(version.manifest, language))
        _say("The version is in {path}", language, path=version.folder)


def show(version: Version, as_json: AsJson = False, lang: Lang = None) -> None:
    """What a version holds: photos and boxes by part, class and source, and the licences.

    Exit status: 0, 2 usage, 3 when it is missing or was changed.
    """
    from streetsight.datasets.versions import open_version
    from streetsight.models.tables import print_table

    with spoken(lang) as language:
        found = open_version(version)
        if as_json:
            row = {"address": found.address, "created": found.created, "note": found.note}
            typer.echo(json.dumps(row | _summary(found.manifest), indent=1, ensure_ascii=False))
            return
        typer.echo(f"{found.address}  {found.created}  {found.note}".rstrip())
        print_table(_version_table(found.manifest, language))
        typer.echo()
        print_table(_licence_table(found.manifest, language))


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of a version.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """What changed from version A to version B: photos added, removed, moved, relabelled; boxes by class.

    Exit status, like that of `diff`: 0 no difference, 1 differences, 2 usage, 3 a version cannot be read.
    """
    from streetsight.datasets.version_diff import diff_versions
    from streetsight.datasets.versions import open_version

    with spoken(lang) as language:
        changes = diff_versions(open_version(before).manifest, open_version(after).manifest)
        if as_json:
            typer.echo(json.dumps(changes.to_json(), indent=1, ensure_ascii=False))
        else:
            _print_diff(changes, language)
    raise typer.Exit(EXIT_DIFFERENT if changes else 0)


def _deal(
    dataset: Path,
    given: Path | None,
    fractions: str | None,
    seed: int,
    cache: "PhotoCache",
    advance: "Advance",
) -> "Parts":
    from streetsight.datasets.groups import read_grouped
    from streetsight.datasets.splits import DEFAULT_FRACTIONS, SplitError, read_split, split_by_group

    if given and fractions:
        raise SplitError("a split is either given or made: leave out --fractions or the CSV")
    wanted = DEFAULT_FRACTIONS if fractions is None else _fractions(fractions)
    records = read_grouped(dataset, cache, advance)
    return read_split(given, records) if given else split_by_group(records, wanted, seed)


def _fractions(text: str) -> dict[str, float]:
    from streetsight.datasets.splits import DEFAULT_FRACTIONS, SplitError

    try:
        shares = [float(share) for share in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != len(DEFAULT_FRACTIONS) or any(not 0 <= share <= 1 for share in shares):
        raise SplitError(
            "--fractions {given}: expected three numbers from 0 to 1, like 0.75,0.1,0.15", given=text
        )
    return dict(zip(DEFAULT_FRACTIONS, shares, strict=True))


@contextmanager
def spoken(lang: str | None) -> Iterator["Language"]:
    """The language to speak; errors for people are said in it and end the command."""
    from streetsight.datasets.groups import GroupError
    from streetsight.datasets.sources import LabelError
    from streetsight.datasets.splits import LeakError
    from streetsight.datasets.versions import VersionError

    with spoken_errors(lang, (GroupError, LabelError, LeakError, VersionError)) as language:
        yield language


@contextmanager
def progress() -> Iterator[tuple["PhotoCache", "Advance"]]:
    """The user's cache, and a counter of photos on standard error."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from streetsight.datasets.photo_cache import PhotoCache

    columns = (SpinnerColumn(), TextColumn("photos looked at"), MofNCompleteColumn())
    with PhotoCache() as cache, Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield cache, lambda count: bar.advance(task, count)


def _summary(manifest: "Manifest") -> dict[str, Any]:
    """Counts for programs: everything that `show` prints."""
    photos = manifest.photos
    return {
        "taxonomy": manifest.taxonomy,
        "photos": len(photos),
        "groups": len({photo.group for photo in photos}),
        "bytes": sum(photo.size for photo in photos),
        "parts": {
            part: {
                "photos": sum(photo.part == part for photo in photos),
                "boxes": Counter(box[0] for photo in photos if photo.part == part for box in photo.boxes),
            }
            for part in manifest.parts
        },
        "sources": {
            source: {"photos": count, "origin": manifest.origins.get(source, {})}
            for source, count in sorted(Counter(photo.source for photo in photos).items())
        },
        "licences": dict(Counter(photo.licence for photo in photos).most_common()),
    }


def _split_table(parts: "Parts", language: "Language") -> "Table":
    counts = {
        part: Counter(name for each in records for name in each.class_names)
        for part, records in parts.items()
    }
    sources = {part: Counter(each.source for each in records) for part, records in parts.items()}
    groups = {part: len({each.group for each in records}) for part, records in parts.items()}
    return _table(counts, sources, groups, language)


def _version_table(manifest: "Manifest", language: "Language") -> "Table":
    of = {part: [photo for photo in manifest.photos if photo.part == part] for part in manifest.parts}
    counts = {part: Counter(box[0] for photo in photos for box in photo.boxes) for part, photos in of.items()}
    sources = {part: Counter(photo.source for photo in photos) for part, photos in of.items()}
    groups = {part: len({photo.group for photo in photos}) for part, photos in of.items()}
    return _table(counts, sources, groups, language)


def _table(
    boxes: dict[str, Counter[str]],
    sources: dict[str, Counter[str]],
    groups: dict[str, int],
    language: "Language",
) -> "Table":
    """A column per part: photos, groups, photos of each source, boxes of each class with their shares."""
    from streetsight.models.language import translate
    from streetsight.models.tables import figure_table

    photos = {part: counts.total() for part, counts in sources.items()}
    totals = [
        (translate(word, language), *map(str, counts.values()), str(sum(counts.values())))
        for word, counts in (("photos", photos), ("groups", groups))
    ]
    shares = [
        [
            (name, *(f"{each[name]} ({each[name] / total:.0%})" for each in counts.values()), str(total))
            for name, total in sorted(sum(counts.values(), Counter()).items())
        ]
        for counts in (sources, boxes)
    ]
    return figure_table(("", *boxes, translate("all", language)), [totals, *shares])


def _licence_table(manifest: "Manifest", language: "Language") -> "Table":
    from streetsight.models.language import translate
    from streetsight.models.tables import figure_table

    headings = [translate(heading, language) for heading in ("source", "licence", "photos")]
    counts = Counter((photo.source, photo.licence) for photo in manifest.photos)
    rows = [(source, licence, str(count)) for (source, licence), count in sorted(counts.items())]
    return figure_table(headings, [rows], names=(0, 1))


def _print_diff(changes: "Diff", language: "Language") -> None:
    from streetsight.models.language import translate

    for title, listed in (
        (translate("photos added", language), changes.added),
        (translate("photos removed", language), changes.removed),
        (translate("photos moved to another part", language), changes.moved),
        (translate("photos relabelled", language), changes.relabelled),
        (translate("photos of another group", language), changes.regrouped),
        (translate("photos renamed", language), changes.renamed),
        (translate("photos under another licence", language), changes.relicensed),
        (translate("facts", language), changes.facts),
    ):
        if not listed:
            continue
        typer.echo(f"{title}: {len(listed)}")
        for change in listed[:SHOWN_CHANGES]:
            typer.echo(f"  {change.file}: {change.before or '-'} -> {change.after or '-'}")
        if len(listed) > SHOWN_CHANGES:
            typer.echo(f"  … +{len(listed) - SHOWN_CHANGES}")
    for name, (old, new) in changes.boxes.items():
        if old != new:
            typer.echo(f"{name}: {old} -> {new} ({new - old:+d})")
    if not changes:
        _say("no difference", language)


def _say(message: str, language: "Language", /, **values: object) -> None:
    from streetsight.models.language import translate

    typer.echo(translate(message, language, **values))
