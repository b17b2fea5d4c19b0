"""`streetsight device`: who may upload."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.auth.actor import operator
from streetsight.service.store.commands import database_of_settings

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.devices.service import Scope

app = typer.Typer(no_args_is_help=True, help="Devices that may upload: add, list, revoke.")

Name = Annotated[str, typer.Argument(help="Of the device, as people call it.")]
Scopes = Annotated[
    str, typer.Option("--scopes", help="What the token is good for, by comma: upload, read, detect.")
]
AreaPath = Annotated[
    str | None, typer.Option("--area", help="Where it works, as /330106/330106003/; everywhere if not given.")
]
ALL = "upload,read,detect"


@app.command()
def add(name: Name, scopes: Scopes = ALL, area: AreaPath = None, lang: Lang = None) -> None:
    """Add a device and print its token, this once.

    The token alone goes to standard output: TOKEN=$(streetsight device add patrol-07)
    """
    from streetsight.service.auth.scope import checked_area
    from streetsight.service.devices.service import add_device

    with database_of_settings(lang) as (database, language):
        wanted = _named_scopes(scopes)
        with database.write() as session:
            fresh = add_device(session, name, wanted, area and checked_area(area), operator())
        _show_once(fresh, language)


@app.command()
def token(name: Name, scopes: Scopes = ALL, lang: Lang = None) -> None:
    """Print one more token for a device, this once. The others stay good."""
    from streetsight.service.devices.service import add_token

    with database_of_settings(lang) as (database, language):
        wanted = _named_scopes(scopes)
        with database.write() as session:
            fresh = add_token(session, name, wanted, operator())
        _show_once(fresh, language)


@app.command()
def code(
    name: Name,
    scopes: Scopes = "upload",
    hours: Annotated[float, typer.Option(min=0.01, max=168, help="That the code is good for.")] = 24,
    lang: Lang = None,
) -> None:
    """Print a code by which the vehicle gets its token, once: `streetsight agent enrol CODE`."""
    from streetsight.models.language import translate
    from streetsight.service.devices.enrolling import make_code
    from streetsight.service.devices.service import device_named

    with database_of_settings(lang) as (database, language):
        wanted = _named_scopes(scopes)
        with database.write() as session:
            device = device_named(session, name)
            fresh = make_code(session, operator(), device.id, wanted, hours)[1]
        typer.echo(fresh)
        typer.echo(translate("Good once, for {hours} h: {name}", language, hours=hours, name=name), err=True)


@app.command()
def settings(
    name: Name,
    file: Annotated[
        Path, typer.Argument(help="YAML: what the section `agent` of a device's profile may say.")
    ],
    lang: Lang = None,
) -> None:
    """Say what a vehicle is to do; it is signed, and the vehicle fetches it with its next heartbeat."""
    import yaml

    from streetsight.inference.positions.profile import ProfileError
    from streetsight.models.language import translate
    from streetsight.service.devices.remote import put_settings
    from streetsight.service.devices.service import device_named
    from streetsight.service.settings import read_settings
    from streetsight.service.store.sealing import open_sealer

    with database_of_settings(lang) as (database, language):
        try:
            said = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ProfileError(
                "{path}: not a readable YAML file ({reason})", path=file, reason=error
            ) from error
        with database.write() as session:
            device = device_named(session, name)
            kept = put_settings(session, operator(), device.id, said, open_sealer(read_settings()))
            version = kept.version
        typer.echo(translate("{name}: settings {version} are signed", language, name=name, version=version))


@app.command()
def revoke(name: Name, lang: Lang = None) -> None:
    """Take back all tokens of a device, at once. Its frames stay."""
    from streetsight.models.language import translate
    from streetsight.service.devices.service import revoke_tokens

    with database_of_settings(lang) as (database, language):
        with database.write() as session:
            count = revoke_tokens(session, name, operator())
        typer.echo(translate("{name}: {count} tokens were revoked", language, count=count, name=name))


@app.command()
def profile(
    name: Name,
    file: Annotated[Path, typer.Argument(help="YAML or JSON, as `streetsight patrol --device` takes it.")],
    lang: Lang = None,
) -> None:
    """Say how a device's camera is mounted, what its clock and its coordinates are (docs/patrol.md)."""
    from streetsight.inference.positions.profile import read_profile
    from streetsight.models.language import translate
    from streetsight.service.profiles.service import put_named_profile

    with database_of_settings(lang) as (database, language):
        known = read_profile(file)
        with database.write() as session:
            put_named_profile(session, operator(), name, known)
        typer.echo(translate("{name}: profile kept", language, name=name))


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One object per device.")] = False,
    lang: Lang = None,
) -> None:
    """Show all devices: name, good tokens, last contact, area, id."""
    from streetsight.service.devices.service import list_devices

    with database_of_settings(lang) as (database, _language):
        with database.read() as session:
            found = list_devices(session)
        for device, tokens in found:
            seen = device.last_seen_at.isoformat(timespec="seconds") if device.last_seen_at else None
            row = {
                "name": device.name,
                "tokens": tokens,
                "last_seen_at": seen,
                "area": device.area_path,
                "id": device.id,
            }
            typer.echo(json.dumps(row, ensure_ascii=False) if as_json else "\t".join(map(str, row.values())))


def _named_scopes(scopes: str) -> "tuple[Scope, ...]":
    from streetsight.service.devices.service import SCOPES, UnknownScope

    wanted = {each.strip() for each in scopes.split(",")} - {""}
    if not wanted or wanted - set(SCOPES):
        raise UnknownScope("{scopes}: expected some of {known}, by comma", scopes=scopes, known=ALL)
    return tuple(scope for scope in SCOPES if scope in wanted)


def _show_once(fresh: str, language: "Language") -> None:
    from streetsight.models.language import translate

    typer.echo(fresh)
    typer.echo(translate("Keep this token: it is not shown again.", language), err=True)
