"""`streetsight audit`: the log of who did what."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings

if TYPE_CHECKING:
    from streetsight.service.audit.verifying import Noted
    from streetsight.service.departures.service import Channel

app = typer.Typer(no_args_is_help=True, help="The log of who did what: verify, export; what left the system.")

EXIT_BROKEN = 1


@app.command()
def verify(
    noted: Annotated[
        str | None, typer.Option("--noted", help="NUMBER:HASH, the head as it was noted elsewhere earlier.")
    ] = None,
    lang: Lang = None,
) -> None:
    """Compute the chain anew and print its head, as NUMBER:HASH. Note it elsewhere.

    Whoever can write to the database can cut entries off the end: only a head noted elsewhere tells.

    Exit status: 1 when an entry is not as it was written.
    """
    from streetsight.models.language import translate
    from streetsight.service.audit.verifying import verify as run

    with database_of_settings(lang) as (database, language):
        head = _parse(noted) if noted else None
        with database.read() as session:
            verdict = run(session, head)
        typer.echo(f"{verdict.count}:{verdict.head}")
        if verdict.broken is None:
            said = translate("{count} entries are as they were written", language, count=verdict.count)
            typer.echo(said, err=True)
            return
        reason = translate(verdict.reason or "", language)
        said = translate("entry {number}: {reason}", language, number=verdict.broken, reason=reason)
        typer.secho(said, err=True, fg=typer.colors.RED)
        raise typer.Exit(EXIT_BROKEN)


@app.command()
def export(lang: Lang = None) -> None:
    """Print the whole log, oldest first, one JSON object a line."""
    from streetsight.service.audit.schemas import EntryShown
    from streetsight.service.audit.verifying import entries

    with database_of_settings(lang) as (database, _language), database.read() as session:
        for entry in entries(session):
            typer.echo(EntryShown.of(entry).model_dump_json())


@app.command()
def departures(
    channel: Annotated[
        str | None, typer.Option(help="Only by this door: export, national, labels, original, ...")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    lang: Lang = None,
) -> None:
    """Print what left the system, oldest first: who took what, when, and how much; one JSON object a line.

    Exit status: 2 usage and settings, 3 database.
    """
    from streetsight.service.departures.schemas import DepartureShown, csv_lines
    from streetsight.service.departures.service import Wanted
    from streetsight.service.departures.service import departures as run
    from streetsight.service.settings import read_settings

    with database_of_settings(lang) as (database, _language), database.read() as session:
        found = run(session, Wanted(channel=_channel(channel)))
        if as_csv:
            for line in csv_lines(found, read_settings().zone):
                typer.echo(line, nl=False)
            return
        for each in found:
            typer.echo(DepartureShown.model_validate(each).model_dump_json())


def _channel(name: str | None) -> "Channel | None":
    from typing import cast, get_args

    from streetsight.models.language import SpokenError
    from streetsight.service.departures.service import Channel

    known = get_args(Channel)
    if name is not None and name not in known:
        raise SpokenError(
            "nothing leaves by {channel}; expected one of {known}", channel=name, known=", ".join(known)
        )
    return cast("Channel | None", name)


def _parse(noted: str) -> "Noted":
    from streetsight.service.audit.verifying import BadHead, Noted

    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", noted.strip())
    if found is None:
        raise BadHead(
            "{noted} is no head of the log; expected NUMBER:HASH, as this command prints", noted=noted
        )
    return Noted(int(found[1]), found[2])
