"""`streetsight groupings`: aspects, topics and tags that issues are grouped by."""

import json
from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings, spoken_data_errors

app = typer.Typer(no_args_is_help=True, help="How issues are grouped: import, show.")


@app.command("import")
def import_(
    file: Annotated[
        Path | None, typer.Argument(help="TOML file; docs/places.md shows one.", exists=True)
    ] = None,
    example: Annotated[str | None, typer.Option(help="A shipped example instead of a file.")] = None,
    reason: Annotated[str, typer.Option(help="Why; stays with the version.")] = "imported",
    check: Annotated[bool, typer.Option("--check", help="Only say whether it could be used.")] = False,
    lang: Lang = None,
) -> None:
    """Put groupings in force in place of the shipped ones or those before."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.documents.reading import file_wanted, read_file
    from streetsight.service.faults import ServiceError
    from streetsight.service.groupings.reading import GroupingDocument, example_files
    from streetsight.service.groupings.service import bring_in
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, ServiceError) as language:
        document = read_file(file_wanted(file, example, example_files()), GroupingDocument)
        if check:
            typer.echo(translate("{name} is in order", language, name=document.name))
            return
        with open_database(read_settings()) as database, database.write() as session:
            number = bring_in(session, operator(), document, reason, wanted=None).number
        done = "{name} is in force as version {number}"
        typer.echo(translate(done, language, name=document.name, number=number))


@app.command("show")
def show(lang: Lang = None) -> None:
    """Show the groupings in force as JSON; number 0 are the shipped ones."""
    from streetsight.service.documents.service import version_of
    from streetsight.service.groupings.service import groupings_in_force
    from streetsight.service.groupings.tables import GroupingVersion

    with database_of_settings(lang) as (database, language), database.read() as session:
        version, document = version_of(session, GroupingVersion), groupings_in_force(session)
        if version is None:
            from streetsight.models.language import translate

            said = "no groupings were imported; these are the shipped ones"
            typer.echo(translate(said, language), err=True)
        found = {"number": version.number if version else 0, "document": document.model_dump(mode="json")}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
