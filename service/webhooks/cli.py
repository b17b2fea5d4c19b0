"""`streetsight webhook`: which systems get events."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import EXIT_DATA, Lang
from streetsight.service.store.commands import spoken_data_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.settings import Settings
    from streetsight.service.store.database import Database
    from streetsight.service.store.sealing import Sealer

app = typer.Typer(no_args_is_help=True, help="Webhooks: add, list, test, retry, rotate, remove.")

Name = Annotated[str, typer.Argument(help="Of the webhook, as people call it.")]


@dataclass(frozen=True, slots=True)
class _Opened:
    database: "Database"
    settings: "Settings"
    sealer: "Sealer"
    language: "Language"


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="https://host/path")],
    kinds: Annotated[str, typer.Option(help="Kinds of events by comma; all when not given.")] = "",
    area: Annotated[str | None, typer.Option(help="Path of an area, as /330106/; everywhere else.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="Sent along, as 'X-Key: value'.")] = None,
    lang: Lang = None,
) -> None:
    """Add a webhook and print the secret that its deliveries are signed with, this once.

    The secret alone goes to standard output: SECRET=$(streetsight webhook add platform https://host/path)
    """
    from streetsight.service.auth.actor import operator
    from streetsight.service.webhooks.service import add_webhook, read_webhook

    with _opened(lang) as here:
        sent = read_webhook(name, url, kinds, area, header or [])
        with here.database.write() as session:
            _, secret = add_webhook(session, operator(), sent, here.settings, here.sealer)
        _show_once(secret, here.language)


@app.command()
def rotate(name: Name, lang: Lang = None) -> None:
    """Make a new secret and print it, this once. The one before signs as well for a while."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.webhooks.service import named, rotate_secret

    with _opened(lang) as here:
        with here.database.write() as session:
            webhook = named(session, name)
            _, secret = rotate_secret(session, operator(), webhook.id, here.settings, here.sealer)
        _show_once(secret, here.language)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One object per webhook.")] = False,
    lang: Lang = None,
) -> None:
    """Show all webhooks: name, state, waiting, given up, URL, kinds."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.webhooks.service import list_webhooks, shown

    with _opened(lang) as here, here.database.read() as session:
        for each in shown(session, list_webhooks(session, operator()), here.sealer):
            row = (each.name, each.state, each.pending, each.dead, each.url, ",".join(each.kinds) or "*")
            typer.echo(each.model_dump_json() if as_json else "\t".join(map(str, row)))


@app.command("test")
def try_out(name: Name, lang: Lang = None) -> None:
    """Send a test event now, and print how the receiver took it, as JSON.

    Exit status: 0 when it answered with 2xx, else 3.
    """
    from streetsight.service.webhooks.schemas import TryShown
    from streetsight.service.webhooks.service import named
    from streetsight.service.webhooks.service import try_out as send_test

    with _opened(lang) as here:
        with here.database.read() as session:
            webhook = named(session, name)
        answer = TryShown.of(send_test(webhook, here.settings, here.sealer))
        typer.echo(json.dumps(answer.model_dump(), ensure_ascii=False))
    if not answer.delivered:
        raise typer.Exit(EXIT_DATA)


@app.command()
def retry(name: Name, lang: Lang = None) -> None:
    """Queue everything again that was given up."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.webhooks.service import named, retry_deliveries

    with _opened(lang) as here:
        with here.database.write() as session:
            count = retry_deliveries(session, operator(), named(session, name).id)
        typer.echo(translate("{count} deliveries are queued again", here.language, count=count))


@app.command()
def remove(name: Name, lang: Lang = None) -> None:
    """Remove a webhook. What waits for it is not sent any more."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.webhooks.service import named, remove_webhook

    with _opened(lang) as here:
        with here.database.write() as session:
            remove_webhook(session, operator(), named(session, name).id, version=None)
        typer.echo(translate("{name} was removed", here.language, name=name))


@contextmanager
def _opened(lang: str | None) -> Iterator[_Opened]:
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database
    from streetsight.service.store.sealing import SealError, open_sealer

    with spoken_data_errors(lang, SealError) as language:
        settings = read_settings()
        with open_database(settings) as database:
            yield _Opened(database, settings, open_sealer(settings), language)


def _show_once(secret: str, language: "Language") -> None:
    from streetsight.models.language import translate

    typer.echo(secret)
    typer.echo(translate("Keep this secret: it is not shown again.", language), err=True)
