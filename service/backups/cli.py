"""`streetsight backup`: database, photos and what belongs to them, as one consistent point."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import spoken_data_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.backups.points import Manifest, Point
    from streetsight.service.backups.verifying import Fault

app = typer.Typer(no_args_is_help=True, help="Back-ups: create, list, verify, restore, prune.")

EXIT_FAULTY = 1

Folder = Annotated[
    Path, typer.Argument(help="Folder of back-ups; a further one in it copies new photos alone.")
]
Which = Annotated[
    str | None, typer.Option("--point", help="As `list` names them; the newest when not given.")
]


@app.command()
def create(folder: Folder, lang: Lang = None) -> None:
    """Back up the database and all photos that it names, while servers go on.

    Exit status: 1 when rows name photos that the storage has not, or not unharmed; all others are in it.
    """
    with _speaking(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.backups.creating import create as run
        from streetsight.service.backups.databases import require_database
        from streetsight.service.files.opening import open_blobs
        from streetsight.service.settings import read_settings
        from streetsight.service.store.opening import open_database

        settings = read_settings()
        require_database(settings)
        with open_database(settings) as database:
            made = run(settings, database, open_blobs(settings), folder)
        typer.echo(str(made.folder))
        _tell(made.manifest, language)
        for sha256 in made.manifest.missing:
            typer.echo(
                translate("photo {sha256} is missing or damaged in the storage", language, sha256=sha256),
                err=True,
            )
        if made.manifest.missing:
            raise typer.Exit(EXIT_FAULTY)


@app.command("list")
def list_points(folder: Folder, lang: Lang = None) -> None:
    """Name the back-ups of a folder, oldest first: moment, version of the database, photos."""
    with _speaking(lang):
        from streetsight.service.backups.points import open_point, points

        for name in points(folder):
            manifest = open_point(folder, name).manifest
            typer.echo(f"{name}\t{manifest.database} {manifest.schema_version}\t{manifest.photos}")


@app.command()
def verify(
    folder: Folder,
    which: Which = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Fetch missing and damaged photos from the storage.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Read a back-up again, every byte of it.

    Exit status: 1 when something is missing, or not as it was written; with --repair, when it still is.
    """
    with _speaking(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.backups.locking import locked
        from streetsight.service.backups.points import open_point
        from streetsight.service.backups.verifying import verify as run

        with locked(folder):
            point = open_point(folder, which)
            faults = list(run(point))
            _tell_faults(faults, language)
            if repair and faults:
                faults = _repair(point, faults, language)
        if faults:
            _tell_remedy(folder, faults, repair, language)
            raise typer.Exit(EXIT_FAULTY)
        typer.echo(translate("all is as it was written", language), err=True)


@app.command()
def restore(
    folder: Folder,
    which: Which = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the data that is there.")] = False,
    lang: Lang = None,
) -> None:
    """Put a back-up into the database and the storage that the settings name. Stop all servers before.

    Exit status: 1 when photos of the back-up are missing or damaged; all else was put back.
    """
    with _speaking(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.backups.locking import locked
        from streetsight.service.backups.points import open_point
        from streetsight.service.backups.restoring import restore as run
        from streetsight.service.files.opening import open_blobs
        from streetsight.service.settings import read_settings
        from streetsight.service.store.database import Database
        from streetsight.service.store.opening import make_data_folder

        settings = read_settings()
        with locked(folder):
            point = open_point(folder, which)
            make_data_folder(settings)
            with closing(Database(settings.database, settings.sqlite_busy_seconds)) as database:
                faults = run(settings, database, open_blobs(settings), point, overwrite)
        _tell(point.manifest, language)
        _tell_faults(faults, language)
        typer.echo(
            translate("now run `streetsight retention run`, then start the servers", language), err=True
        )
        if faults:
            raise typer.Exit(EXIT_FAULTY)


@app.command()
def prune(
    folder: Folder,
    keep: Annotated[int, typer.Option(min=1, help="So many of the newest stay.")],
    lang: Lang = None,
) -> None:
    """Give old back-ups up, photos that none of those left names, and what killed back-ups left.

    Refused while another command is at work in the folder.
    """
    with _speaking(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.backups.pruning import prune as run

        gone = run(folder, keep)
        typer.echo(
            translate(
                "{points} back-ups and {photos} photos were given up", language,
                points=gone.points, photos=gone.photos,
            )
        )  # fmt: skip
        if gone.unfinished or gone.drafts:
            typer.echo(
                translate(
                    "{points} back-ups that were never finished and {drafts} half copies of photos were "
                    "cleared", language, points=gone.unfinished, drafts=gone.drafts,
                )
            )  # fmt: skip


@contextmanager
def _speaking(lang: str | None) -> "Iterator[Language]":
    from streetsight.service.backups.points import BackupError

    with spoken_data_errors(lang, BackupError) as language:
        yield language


def _tell(manifest: "Manifest", language: "Language") -> None:
    from streetsight.models.language import translate
    from streetsight.service.store.migrating import needed_version

    said = [
        translate(
            "{database} of version {version}, {photos} photos of {mib} MiB", language,
            database=manifest.database, version=manifest.schema_version, photos=manifest.photos,
            mib=manifest.photo_bytes >> 20,
        )
    ]  # fmt: skip
    if not manifest.secret_key:
        said.append(translate("secret.key is not in it: keep STREETSIGHT_SECRET_KEYS elsewhere", language))
    if manifest.uploads_elsewhere:
        said.append(
            translate(
                "{count} uploads in pieces lie on other machines and are not in it", language,
                count=len(manifest.uploads_elsewhere),
            )
        )  # fmt: skip
    if manifest.schema_version != needed_version():
        said.append(
            translate("it is of another version: run `streetsight migrate` after it is put back", language)
        )
    for line in said:
        typer.echo(line, err=True)


def _tell_faults(faults: "list[Fault]", language: "Language") -> None:
    from streetsight.models.language import translate

    for fault in faults:
        typer.secho(f"{fault.file}: {translate(fault.what, language)}", err=True, fg=typer.colors.RED)


def _repair(point: "Point", faults: "list[Fault]", language: "Language") -> "list[Fault]":
    """The faults that are left."""
    from streetsight.models.language import translate
    from streetsight.service.backups.verifying import repair
    from streetsight.service.files.opening import open_blobs
    from streetsight.service.settings import read_settings

    left = repair(open_blobs(read_settings()), point, faults)
    typer.echo(
        translate(
            "{count} photos were fetched from the storage again", language, count=len(faults) - len(left)
        ),
        err=True,
    )
    return left


def _tell_remedy(folder: Path, faults: "list[Fault]", tried: bool, language: "Language") -> None:
    from streetsight.models.language import translate

    said = []
    if tried:
        said += [
            translate("photo {sha256} is missing or damaged in the storage", language, sha256=fault.photo)
            for fault in faults if fault.photo
        ]  # fmt: skip
    elif any(fault.photo for fault in faults):
        said.append(
            translate(
                "photos can be fetched from the storage again: `streetsight backup verify {folder} --repair`",
                language, folder=folder,
            )
        )  # fmt: skip
    if any(fault.photo is None for fault in faults):
        said.append(translate("other files than photos cannot be repaired: make a new back-up", language))
    for line in said:
        typer.echo(line, err=True)
