"""`streetsight reprocess`: look at the archive with another release, compare, switch."""

import json
import time
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streetsight.models.cli import Lang
from streetsight.service.auth.actor import operator
from streetsight.service.store.commands import database_of_settings

if TYPE_CHECKING:
    from streetsight.models.releases import Release
    from streetsight.service.reprocessing.running import Looks
    from streetsight.service.settings import Settings
    from streetsight.service.store.database import Database

app = typer.Typer(help="Look at the archive with another release: run, compare, switch.")

ReleaseName = Annotated[str, typer.Option("--release", help="Name or folder of the release.")]
Patrol = Annotated[str | None, typer.Option("--patrol", help="Only frames of this patrol (id).")]
Area = Annotated[str | None, typer.Option("--area", help="Only frames within this area, as /330106/.")]
Since = Annotated[datetime | None, typer.Option("--from", help="Only frames taken then or later, UTC.")]
Before = Annotated[datetime | None, typer.Option("--before", help="Only frames taken before, UTC.")]
Class = Annotated[str | None, typer.Option("--class", help="Only frames on which this is detected now.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    release: Annotated[str | None, typer.Option(help="Name or folder of the release.")] = None,
    engine: Annotated[
        Literal["local", "ray"] | None, typer.Option(help="STREETSIGHT_ENGINE when not given.")
    ] = None,
    patrol: Patrol = None,
    area: Area = None,
    since: Since = None,
    before: Before = None,
    class_name: Class = None,
    lang: Lang = None,
) -> None:
    """Look at every frame that the release has no result of, and write its results beside those in force.

    A run that was ended in any way goes on when it is started again; no frame gets two results of a release.
    Prints what was done as JSON; `compare` and `switch` come after it.

    Exit status: 1 photos failed, 2 usage and settings, 3 database, storage, cluster or release.
    """
    if context.invoked_subcommand is not None:
        return
    if release is None:
        raise typer.BadParameter("--release is missing: name the release to look with")
    from rich.console import Console

    from streetsight.inference.console import progress_bar
    from streetsight.models.releases import load_release
    from streetsight.service.reprocessing.frames import Archive, count
    from streetsight.service.reprocessing.running import reprocess
    from streetsight.service.settings import read_settings

    with database_of_settings(lang) as (database, language):
        settings, chosen = read_settings(), load_release(release)
        archive = Archive(chosen.address, _filters(database, patrol, area, since, before, class_name))
        looks = _looks(engine or settings.engine, chosen, settings)
        with database.read() as session:
            frames = count(session, archive.left())
        with progress_bar(Console(stderr=True), frames, language) as step:
            done = 0

            def told(count: int) -> None:
                nonlocal done
                for _ in range(count - done):
                    step()
                done = count

            report = reprocess(database, archive, chosen, looks, time.sleep, told)
    typer.echo(
        json.dumps({"release": chosen.address, "frames": frames, **asdict(report)}, ensure_ascii=False)
    )
    if report.failed:
        raise typer.Exit(1)


@app.command()
def compare(
    release: ReleaseName,
    patrol: Patrol = None,
    area: Area = None,
    since: Since = None,
    before: Before = None,
    class_name: Class = None,
    lang: Lang = None,
) -> None:
    """What would change: boxes by class before and after, frames that differ, the biggest differences. JSON.

    Exit status: 2 usage and settings, 3 database or release.
    """
    from streetsight.models.releases import load_release
    from streetsight.service.reprocessing.comparing import compare
    from streetsight.service.reprocessing.frames import Archive

    with database_of_settings(lang) as (database, _):
        filters = _filters(database, patrol, area, since, before, class_name)
        compared = compare(database, Archive(load_release(release).address, filters))
    typer.echo(json.dumps(compared.shown(), indent=1, ensure_ascii=False))


@app.command()
def switch(
    release: ReleaseName,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Also when frames are left that it has not looked at.")
    ] = False,
    patrol: Patrol = None,
    area: Area = None,
    since: Since = None,
    before: Before = None,
    class_name: Class = None,
    lang: Lang = None,
) -> None:
    """Put the release's results in force; patrols are assembled again. What people decided stays.

    Exit status: 2 usage and settings, or it may not be switched to; 3 database or release.
    """
    from streetsight.models.language import translate
    from streetsight.models.releases import load_release, search_path
    from streetsight.service.releases.choosing import chosen
    from streetsight.service.reprocessing.frames import Archive
    from streetsight.service.reprocessing.switching import switch

    with database_of_settings(lang) as (database, language):
        archive = Archive(
            load_release(release).address, _filters(database, patrol, area, since, before, class_name)
        )
        with database.read() as session:
            in_force = chosen(session, search_path()).address
        count = switch(database, operator(), archive, in_force, reason, partial)
        typer.echo(
            translate(
                "{count} frames have the results of {release} now",
                language,
                count=count,
                release=archive.address,
            )
        )


def _looks(engine: str, release: "Release", settings: "Settings") -> "Looks":
    if engine == "ray":
        from streetsight.service.cluster.archive import look_there

        return look_there(release, settings)
    from streetsight.inference.pipeline import cores
    from streetsight.service.detections.looking import LocalEngine, Looker
    from streetsight.service.files.opening import open_blobs
    from streetsight.service.reprocessing.running import look_here

    looker = Looker(release, settings.provider, cores(), threads=1)
    return look_here(LocalEngine(looker, open_blobs(settings)))


def _filters(
    database: "Database",
    patrol: str | None,
    area: str | None,
    since: datetime | None,
    before: datetime | None,
    name: str | None,
) -> dict[str, Any]:
    from datetime import UTC

    from streetsight.service.reprocessing.frames import refuse_nonsense

    given = {
        "patrol_id": patrol, "area_path": area, "class": name,
        "taken_from": since and since.replace(tzinfo=UTC).isoformat(),
        "taken_before": before and before.replace(tzinfo=UTC).isoformat(),
    }  # fmt: skip
    filters = {name: value for name, value in given.items() if value is not None}
    with database.read() as session:
        refuse_nonsense(session, filters)
    return filters
