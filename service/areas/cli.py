"""`streetsight area`: the areas of the city."""

import json
from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings, spoken_data_errors

app = typer.Typer(no_args_is_help=True, help="Areas of the city: import, list.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="GeoJSON FeatureCollection of all areas.", exists=True)],
    crs: Annotated[
        str | None, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09; without it the file declares it.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; stays with the version.")] = "imported",
    check: Annotated[bool, typer.Option("--check", help="Only say what would be found.")] = False,
    lang: Lang = None,
) -> None:
    """Replace all areas. Rows get their area anew in the background, while the server runs."""
    from streetsight.models.language import translate
    from streetsight.service.areas.geojson import parse_collection
    from streetsight.service.areas.reading import read_areas
    from streetsight.service.areas.service import import_areas
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, ServiceError) as language:
        read, number = read_areas(parse_collection(file.read_bytes()), crs), 0
        for warning in read.warnings:
            typer.echo(warning.say(language), err=True)
        if not check:
            with open_database(read_settings()) as database, database.write() as session:
                number = import_areas(session, operator(), read, reason, wanted=None).number
        done = "{count} areas are in order" if check else "{count} areas are in force as version {number}"
        typer.echo(translate(done, language, count=len(read.areas), number=number))


@app.command("list")
def list_(lang: Lang = None) -> None:
    """Show all areas, one JSON object a line."""
    from streetsight.service.areas.schemas import AreaShown
    from streetsight.service.areas.service import all_areas
    from streetsight.service.auth.actor import operator

    with database_of_settings(lang) as (database, _), database.read() as session:
        for area in all_areas(session, operator()):
            typer.echo(json.dumps(AreaShown.of(area).model_dump(), ensure_ascii=False))
