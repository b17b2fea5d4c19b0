"""`streetsight serve`, `work`, `migrate`, `jobs`: run the server and look after it."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import spoken_data_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.settings import Settings

jobs_app = typer.Typer(no_args_is_help=True, help="Jobs that were given up: list, try again.")

DataFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of database and photos; STREETSIGHT_DATA_FOLDER when not given."),
]


def serve(
    data_folder: DataFolder = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8000.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 1. 0 serves only: run `work` elsewhere.")
    ] = None,
    lang: Lang = None,
) -> None:
    """Run the server: the HTTP API, and workers that detect what comes in.

    Everything else is set by STREETSIGHT_* in the environment; docs/service.md lists all of it. Ends cleanly
    at SIGTERM; nothing that was acknowledged is lost if it ends otherwise.

    Exit status: 2 usage and settings, 3 database, storage or release.
    """
    with settings_of(lang, data_folder=data_folder, host=host, port=port, workers=workers) as (settings, _):
        from streetsight.service.serving import serve as run

        run(settings)


def work(
    data_folder: DataFolder = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
    lang: Lang = None,
) -> None:
    """Run one worker alone, beside a server that uses the same database and storage."""
    with settings_of(lang, data_folder=data_folder) as (settings, _):
        from streetsight.service.starting import starting

        with starting():
            from streetsight.service.working import work as run

        run(settings, parent)


def migrate(data_folder: DataFolder = None, lang: Lang = None) -> None:
    """Bring the database to the version of this program. Stop all servers and back it up before."""
    with settings_of(lang, data_folder=data_folder) as (settings, language):
        from streetsight.models.language import translate
        from streetsight.service.store.database import Database
        from streetsight.service.store.migrating import migrate as run
        from streetsight.service.store.opening import make_data_folder

        make_data_folder(settings)
        with closing(Database(settings.database, settings.sqlite_busy_seconds)) as database:
            before, after = run(database)
        typer.echo(
            translate("database version: {before} -> {after}", language, before=before or "-", after=after)
        )


def new_key(data_folder: DataFolder = None, lang: Lang = None) -> None:
    """Go on with this machine's key when the one before is lost. What it encrypted cannot be read any more.

    Webhooks' secrets, their headers, contacts of reporters and shops, the key that signs vehicles' settings.
    """
    with settings_of(lang, data_folder=data_folder) as (settings, language):
        from streetsight.models.language import translate
        from streetsight.service.store.key_proof import replace_proof
        from streetsight.service.store.opening import open_database
        from streetsight.service.store.sealing import open_sealer

        with open_database(settings) as database, database.write() as session:
            replace_proof(session, open_sealer(settings))
        typer.echo(translate("the key of this machine counts now; set webhooks' secrets again", language))


@jobs_app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, help="Most jobs shown.")] = 100,
    data_folder: DataFolder = None,
    lang: Lang = None,
) -> None:
    """Show jobs that were given up, oldest first, as JSON lines."""
    with settings_of(lang, data_folder=data_folder) as (settings, _):
        from streetsight.service.jobs.queue import dead_jobs
        from streetsight.service.store.opening import open_database

        with open_database(settings) as database, database.read() as session:
            for job in dead_jobs(session, limit):
                row = {"kind": job.kind, "key": job.key, "attempts": job.attempts, "error": job.last_error}
                typer.echo(json.dumps(row, ensure_ascii=False))


@jobs_app.command("retry")
def retry_jobs(
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind, as `detect`.")] = None,
    data_folder: DataFolder = None,
    lang: Lang = None,
) -> None:
    """Queue all jobs again that were given up."""
    with settings_of(lang, data_folder=data_folder) as (settings, language):
        from streetsight.models.language import translate
        from streetsight.service.jobs.queue import revive
        from streetsight.service.store.opening import open_database

        with open_database(settings) as database, database.write() as session:
            count = revive(session, kind)
        typer.echo(translate("{count} jobs are queued again", language, count=count))


@contextmanager
def settings_of(lang: str | None, **given: object) -> "Iterator[tuple[Settings, Language]]":
    """Settings and the language; options go into the environment, so that worker processes see them too."""
    from streetsight.service.faults import ServiceError
    from streetsight.service.logs import configure_logs
    from streetsight.service.settings import PREFIX, read_settings

    with spoken_data_errors(lang, ServiceError) as language:
        for name, value in given.items():
            if value is not None:
                os.environ[f"{PREFIX}{name.upper()}"] = str(value)
        settings = read_settings()
        configure_logs(settings.log_level)
        yield settings, language
