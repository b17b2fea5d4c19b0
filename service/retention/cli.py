"""`streetsight retention`: let photos expire, sweep stray bytes; or only say what would go."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import spoken_data_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.retention.rounds import Kind, Rounds

app = typer.Typer(no_args_is_help=True, help="How long photos are kept: run, sweep, log.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would go.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command()
def run(dry_run: DryRun = False, as_json: AsJson = False, lang: Lang = None) -> None:
    """Hide photos that have expired, delete those whose grace time is over, erase old contacts.

    Workers do this by themselves once a day. Evidence of what is open or confirmed always stays.
    """
    with _opened(lang) as (rounds, language):
        if dry_run:
            found = rounds.would_expire()
            _say(found.counts, found.freed_bytes, language, as_json, dry_run)
        else:
            _run(rounds, "retention", language, as_json)


@app.command()
def sweep(dry_run: DryRun = False, as_json: AsJson = False, lang: Lang = None) -> None:
    """Delete stored bytes that no row names, as broken uploads leave them."""
    with _opened(lang) as (rounds, language):
        if dry_run:
            found = rounds.would_sweep()
            _say(found.counts, found.freed_bytes, language, as_json, dry_run)
        else:
            _run(rounds, "sweep", language, as_json)


@app.command()
def log(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most rounds shown.")] = 20, lang: Lang = None
) -> None:
    """Show past rounds, newest first, as JSON lines."""
    from streetsight.service.retention.rounds import list_runs
    from streetsight.service.retention.schemas import RunShown

    with _opened(lang) as (rounds, _language), rounds.database.read() as session:
        for each in list_runs(session, limit, None).items:
            typer.echo(RunShown.of(each).model_dump_json())


def _run(rounds: "Rounds", kind: "Kind", language: "Language", as_json: bool) -> None:
    from streetsight.service.auth.actor import operator
    from streetsight.service.retention.tables import RetentionRun

    place = rounds.start(kind, operator().name)
    while place.stage != "done":
        place = rounds.step(place)
    with rounds.database.read() as session:
        done = session.get_one(RetentionRun, place.run_id)
        _say(done.counts, done.freed_bytes, language, as_json, dry_run=False)


def _say(counts: dict[str, int], size_bytes: int, language: "Language", as_json: bool, dry_run: bool) -> None:
    from streetsight.models.language import translate

    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "counts": counts, "bytes": size_bytes}))
        return
    for name, number in sorted(counts.items()):
        typer.echo(f"{name}\t{number}")
    message = "{bytes} bytes would be freed" if dry_run else "{bytes} bytes were freed"
    typer.echo(translate(message, language, bytes=size_bytes))


@contextmanager
def _opened(lang: str | None) -> "Iterator[tuple[Rounds, Language]]":
    from streetsight.service.files.opening import FilesError, open_blobs
    from streetsight.service.logs import configure_logs
    from streetsight.service.privacy.copies import open_copies
    from streetsight.service.retention.rounds import Rounds
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, FilesError) as language:
        settings = read_settings()
        configure_logs("warning")
        with open_database(settings) as database:
            yield Rounds(database, open_blobs(settings), open_copies(settings), settings), language
