"""Documents by version, for commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from streetsight.service.store.commands import spoken_data_errors

Example = Annotated[str | None, typer.Option(help="A shipped example instead of a file.")]
Reason = Annotated[str, typer.Option(help="Why; stays with the version.")]
Check = Annotated[bool, typer.Option("--check", help="Only say whether it could be used.")]


def import_document(
    file: Path | None,
    example: str | None,
    examples: dict[str, Path],
    kind: type[Any],
    bring_in: Callable[..., Any],
    reason: str,
    check: bool,
    lang: str | None,
) -> None:
    """Put a document from a file, or a shipped one, in force; or only say whether it could be."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.documents.reading import file_wanted, read_file
    from streetsight.service.faults import ServiceError
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, ServiceError) as language:
        document = read_file(file_wanted(file, example, examples), kind)
        if check:
            typer.echo(translate("{name} is in order", language, name=document.name))
            return
        with open_database(read_settings()) as database, database.write() as session:
            number = bring_in(session, operator(), document, reason, wanted=None).number
        done = "{name} is in force as version {number}"
        typer.echo(translate(done, language, name=document.name, number=number))
