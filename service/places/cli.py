"""`streetsight place`: the register of places."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings

if TYPE_CHECKING:
    from streetsight.service.places.attributing import Fault
    from streetsight.service.places.changing import Diff, Said
    from streetsight.service.places.reading import Finding
    from streetsight.service.store.database import Database

app = typer.Typer(no_args_is_help=True, help="Places that are scored and swept: import, list, show, check.")

File = Annotated[
    Path | None,
    typer.Argument(help="GeoJSON FeatureCollection; .csv brings attributes by code.", exists=True),
]
Example = Annotated[str | None, typer.Option(help="A shipped example instead of a file: wuhan-sections.")]
KindsWanted = Annotated[
    list[str] | None, typer.Option("--kind", help="Kinds to replace; else those in the file.")
]
CrsOption = Annotated[
    str | None, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09; without it the file declares it.")
]
When = Annotated[
    str | None, typer.Option("--from", help="From when on: 2026-06-01 or 2026-06-01T08:00; now without it.")
]
Then = Annotated[str | None, typer.Option("--at", help="As it was then: 2026-06-01; now without it.")]


@app.command("import")
def import_(
    file: File = None,
    example: Example = None,
    kind: KindsWanted = None,
    crs: CrsOption = None,
    begins: When = None,
    reason: Annotated[str, typer.Option(help="Why; stays with the register.")] = "imported",
    partial: Annotated[bool, typer.Option("--partial", help="Of a table: take the good lines.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what would become of it.")] = False,
    lang: Lang = None,
) -> None:
    """Replace the places of some kinds from a moment on; the past keeps what it had."""
    from streetsight.models.language import translate
    from streetsight.service.documents.reading import file_wanted
    from streetsight.service.faults import ServiceError
    from streetsight.service.places.changing import Said
    from streetsight.service.places.reading import example_files

    with database_of_settings(lang, ServiceError) as (database, language):
        path, said = file_wanted(file, example, example_files()), Said(reason, _moment(begins))
        kinds = [_kind(each) or each for each in kind or ()]
        odd: Sequence[Finding | Fault]
        if path.suffix.lower() == ".csv":
            diff, odd = _table(database, path, kinds[0] if kinds else None, said, partial, check)
        else:
            diff, odd = _map(database, path, crs, kinds, said, check)
        for each in odd:
            typer.echo(each.say(language), err=True)
        done = "{added} added, {changed} changed, {ended} ended, {unchanged} as they were"
        typer.echo(translate(done, language, **diff.counts))
        if check:
            typer.echo(translate("nothing was written: --check only tries", language), err=True)


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Option(help="Of one kind.")] = None, at: Then = None, lang: Lang = None
) -> None:
    """Show the places in force, one JSON object a line."""
    from streetsight.service.faults import ServiceError
    from streetsight.service.places.schemas import PlaceShown
    from streetsight.service.places.service import places_in_force

    with (
        database_of_settings(lang, ServiceError) as (database, _),
        database.read() as session,
    ):
        for place in places_in_force(session, _kind(kind), _moment(at)):
            typer.echo(json.dumps(PlaceShown.of(place).model_dump(mode="json"), ensure_ascii=False))


@app.command("show")
def show(
    kind: Annotated[str, typer.Argument(help="Its kind.")],
    code: Annotated[str, typer.Argument(help="Its code.")],
    lang: Lang = None,
) -> None:
    """Show all that a place ever was, the newest first, one GeoJSON feature a line."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.places.schemas import PlaceFeature
    from streetsight.service.places.service import history_of

    with (
        database_of_settings(lang, ServiceError) as (database, _),
        database.read() as session,
    ):
        for place in history_of(session, operator(), _kind(kind) or kind, code):
            typer.echo(json.dumps(PlaceFeature.of(place).model_dump(mode="json"), ensure_ascii=False))


@app.command("check")
def check(
    kind: Annotated[str | None, typer.Option(help="Of one kind.")] = None, at: Then = None, lang: Lang = None
) -> None:
    """Name the places whose 五定 is not whole, and those that nobody answers for."""
    from streetsight.models.language import translate
    from streetsight.service.faults import ServiceError
    from streetsight.service.places.schemas import IncompleteShown
    from streetsight.service.places.service import places_in_force

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.read() as session,
    ):
        places, whole = places_in_force(session, _kind(kind), _moment(at)), 0
        for place in places:
            lacking = IncompleteShown.of(place, language).missing_names
            lacking += [] if place.unit else [translate("a responsible unit", language)]
            whole += not lacking
            if lacking:
                text = translate("{name} lacks {what}", language, name=place.name, what=", ".join(lacking))
                typer.echo(f"{place.kind}/{place.code}: {text}")
        typer.echo(
            translate("{whole} of {count} places lack nothing", language, whole=whole, count=len(places))
        )


def _map(
    database: "Database", path: Path, crs: str | None, kinds: list[str], said: "Said", check: bool
) -> "tuple[Diff, Sequence[Finding]]":
    """What a map comes to, and what is odd about it."""
    from streetsight.service.areas.geojson import parse_collection
    from streetsight.service.auth.actor import operator
    from streetsight.service.places import changing
    from streetsight.service.places.reading import read_places

    with database.read() as session:
        read = read_places(parse_collection(path.read_bytes()), crs, changing.aspects_of(session), kinds)
        diff = changing.compare(session, read, said.moment)
    if not check:
        with database.write() as session:
            diff = changing.import_places(session, operator(), read, said)[1]
    return diff, read.warnings


def _table(
    database: "Database", path: Path, kind: str | None, said: "Said", partial: bool, check: bool
) -> "tuple[Diff, Sequence[Fault]]":
    """What a table of attributes comes to, and its lines that cannot be used."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.places import attributing, changing
    from streetsight.service.places.service import number_in_force

    with database.read() as session:
        read = attributing.read_table(session, path.read_bytes(), kind, said.moment)
        diff = changing.compare_attributes(session, read.places, said.moment)
        said = replace(said, wanted=number_in_force(session))
    if not check:
        if not partial:
            attributing.require_all_good(read)
        with database.write() as session:
            diff = changing.change_attributes(session, operator(), read.places, said)[1]
    return diff, read.faults


def _kind(text: str | None) -> str | None:
    """The code of a kind. Raises PlacesRefused."""
    from streetsight.service.places.reading import PlacesRefused
    from streetsight.service.places.words import find_word, words

    if text is None or (found := find_word("kinds", text)) is not None:
        return None if text is None else found
    raise PlacesRefused(
        "there is no kind {kind}; choose one of {kinds}", kind=text, kinds=", ".join(words("kinds"))
    )


def _moment(text: str | None) -> datetime:
    """A day or a moment on the city's clock. Raises PlacesRefused."""
    from streetsight.service.places.reading import PlacesRefused
    from streetsight.service.places.schemas import EARLIEST, LATEST
    from streetsight.service.settings import read_settings
    from streetsight.service.store.types import now

    if text is None:
        return now()
    try:
        found = datetime.fromisoformat(text)
        moment = found if found.tzinfo else found.replace(tzinfo=read_settings().zone)
        if EARLIEST <= moment <= LATEST:
            return moment
    except ValueError:
        pass
    raise PlacesRefused("{text} is no day that can be; write it as 2026-06-01 or 2026-06-01T08:00", text=text)
