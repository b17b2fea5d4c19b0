"""`streetsight groupings`: aspects, topics and tags that issues are grouped by."""

import json
from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.documents.commands import Check, Example, Reason, import_document
from streetsight.service.store.commands import database_of_settings

app = typer.Typer(no_args_is_help=True, help="How issues are grouped: import, show.")


@app.command("import")
def import_(
    file: Annotated[
        Path | None, typer.Argument(help="TOML file; docs/places.md shows one.", exists=True)
    ] = None,
    example: Example = None,
    reason: Reason = "imported",
    check: Check = False,
    lang: Lang = None,
) -> None:
    """Put groupings in force in place of the shipped ones or those before."""
    from streetsight.service.groupings.reading import GroupingDocument, example_files
    from streetsight.service.groupings.service import bring_in

    import_document(file, example, example_files(), GroupingDocument, bring_in, reason, check, lang)


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
