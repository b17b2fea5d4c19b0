"""`streetsight campaign`: campaigns and sweeps, for who runs the server."""

import json
from typing import Annotated

import typer

from streetsight.models.cli import Lang

app = typer.Typer(no_args_is_help=True, help="Campaigns and sweeps: list, show.")


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="draft, active or ended; all without it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most campaigns shown.")] = 100,
    lang: Lang = None,
) -> None:
    """Show campaigns, newest first, as JSON lines."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.campaigns.service import list_campaigns
    from streetsight.service.store.commands import database_of_settings

    names = ("id", "name", "kind", "state", "first", "last", "area_path")
    with database_of_settings(lang) as (database, _), database.read() as session:
        for row in list_campaigns(session, operator(), state, None, limit, None).items:
            said = {name: getattr(row, name) for name in names}
            typer.echo(json.dumps(said, ensure_ascii=False, default=str))


@app.command("show")
def show(
    campaign_id: Annotated[str, typer.Argument(help="As `streetsight campaign list` shows it.")],
    lang: Lang = None,
) -> None:
    """Show one campaign and how far it has come, as JSON."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.campaigns.progress import progress
    from streetsight.service.campaigns.service import find, shown
    from streetsight.service.faults import NotFound
    from streetsight.service.settings import read_settings
    from streetsight.service.store.commands import spoken_data_errors
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, NotFound) as language:
        settings = read_settings()
        with open_database(settings) as database, database.read() as session:
            campaign = find(session, operator(), campaign_id)
            told = shown(session, campaign, settings.zone).model_dump(mode="json")
            how_far = progress(session, operator(), campaign, settings.zone, language).model_dump(mode="json")
        typer.echo(json.dumps({**told, "progress": how_far}, ensure_ascii=False, indent=2))
