"""`streetsight calendar`, `streetsight deadlines`: working time, and what goes by it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from streetsight.models.cli import Lang
from streetsight.service.documents.commands import Check, Example, Reason, import_document
from streetsight.service.store.commands import database_of_settings

calendar_app = typer.Typer(no_args_is_help=True, help="The city's working days and hours: import, show.")
deadlines_app = typer.Typer(no_args_is_help=True, help="Deadlines and supervision steps: import, show.")

File = Annotated[Path | None, typer.Argument(help="TOML file; docs/issues.md shows one.", exists=True)]


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
    from streetsight.service.calendar.reading import example_files
    from streetsight.service.calendar.service import bring_in

    import_document(file, example, example_files(noun), _kind(noun), bring_in, reason, check, lang)


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
