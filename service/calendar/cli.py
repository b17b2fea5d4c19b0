"""`streetsight calendar`, `streetsight deadlines`: working time, and what goes by it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings, spoken_data_errors

calendar_app = typer.Typer(no_args_is_help=True, help="The city's working days and hours: import, show.")
deadlines_app = typer.Typer(no_args_is_help=True, help="Deadlines and supervision steps: import, show.")

File = Annotated[Path | None, typer.Argument(help="TOML file; docs/issues.md shows one.", exists=True)]
Example = Annotated[str | None, typer.Option(help="A shipped example instead of a file.")]
Reason = Annotated[str, typer.Option(help="Why; stays with the version.")]
Check = Annotated[bool, typer.Option("--check", help="Only say whether it could be used.")]


@calendar_app.command("import")
def import_calendar(
    file: File = None, example: Example = None, reason: Reason = "imported", check: Check = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Put a calendar in force. Years that it does not have are refused when a deadline needs them."""
    _import("calendar", file, example, reason, check, lang)


@calendar_app.command("show")
def show_calendar(lang: Lang = None) -> None:
    """Show the calendar in force as JSON."""
    _show("calendar", lang)


@deadlines_app.command("import")
def import_deadlines(
    file: File = None, example: Example = None, reason: Reason = "imported", check: Check = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Put a table of deadlines in force. Deadlines that were given stay as they are."""
    _import("deadlines", file, example, reason, check, lang)


@deadlines_app.command("show")
def show_deadlines(lang: Lang = None) -> None:
    """Show the table in force as JSON."""
    _show("deadlines", lang)


def _import(
    noun: str, file: Path | None, example: str | None, reason: str, check: bool, lang: str | None
) -> None:
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.calendar.reading import example_files
    from streetsight.service.calendar.service import bring_in
    from streetsight.service.documents.reading import file_wanted, read_file
    from streetsight.service.faults import ServiceError
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, ServiceError) as language:
        document = read_file(file_wanted(file, example, example_files(noun)), _kind(noun))
        if check:
            typer.echo(translate("{name} is in order", language, name=document.name))
            return
        with open_database(read_settings()) as database, database.write() as session:
            number = bring_in(session, operator(), document, reason, wanted=None).number
        done = "{name} is in force as version {number}"
        typer.echo(translate(done, language, name=document.name, number=number))


def _show(noun: str, lang: str | None) -> None:
    from streetsight.service.calendar.tables import CalendarVersion, DeadlineVersion
    from streetsight.service.documents.service import version_of

    with database_of_settings(lang) as (database, _language), database.read() as session:
        version = version_of(session, CalendarVersion if noun == "calendar" else DeadlineVersion)
        found = {"number": version.number, "document": version.document} if version else None
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


def _kind(noun: str) -> Any:
    from streetsight.service.calendar.reading import CalendarDocument, DeadlineDocument

    return CalendarDocument if noun == "calendar" else DeadlineDocument
