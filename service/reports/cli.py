"""`streetsight reports`: what hotlines send."""

from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import EXIT_DATA, Lang
from streetsight.service.store.commands import spoken_data_errors

app = typer.Typer(no_args_is_help=True, help="Reports of citizens and hotlines: import.")


@app.callback()
def reports() -> None:
    """Reports of citizens and hotlines."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, UTF-8 or GB18030.", exists=True, dir_okay=False)],
    crs: Annotated[
        str | None,
        typer.Option(help="Of coordinates on lines that name no system: wgs84, gcj02, bd09."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome of every line.")] = False,
    lang: Lang = None,
) -> None:
    """Take the tickets of a hotline (12345) in, one line each. The same ticket twice is one report.

    Exit status: 0 when every line was taken in or was here before, 3 when some were refused.
    """
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.reports.service import categories_of
    from streetsight.service.reports.tickets import Declared, declared_crs, import_tickets
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database
    from streetsight.service.store.sealing import SealError, open_sealer
    from streetsight.service.store.writer import GroupWriter

    with spoken_data_errors(lang, SealError) as language:
        settings, declared = read_settings(), declared_crs(crs)
        with open_database(settings) as database:
            writer = GroupWriter(database)
            receipt = import_tickets(
                operator(), file.read_bytes(), Declared(declared, settings.zone), categories_of(settings),
                open_sealer(settings), writer.run, language,
            )  # fmt: skip
            writer.close()
        if as_json:
            typer.echo(receipt.model_dump_json(indent=2))
        else:
            for line in receipt.outcomes:
                if line.reason:
                    typer.echo(f"{file.name}:{line.line}: {line.ticket or '-'}: {line.reason}", err=True)
            said = "{accepted} tickets taken in, {duplicate} were here before, {refused} refused ({encoding})"
            typer.echo(translate(said, language, **receipt.model_dump(exclude={"outcomes"})))
    if receipt.refused:
        raise typer.Exit(EXIT_DATA)
