"""`streetsight agent`: run in a vehicle, enrol, look at the spool, try again, send all."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streetsight.models.cli import Lang, spoken_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.agent.identity import Identity

app = typer.Typer(no_args_is_help=True, help="The vehicle's end: run, enrol, status, retry, drain.")

State = Annotated[
    Path | None,
    typer.Option(help="Folder of the spool; by default systemd's, or ~/.local/state/streetsight-agent."),
]
Server = Annotated[str | None, typer.Option(help="https://host of the server; known once enrolled.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="File with a device's token, in place of enrolment; the server's settings are not taken."
    ),
]
Profile = Annotated[
    Path | None, typer.Option(help="YAML of the device: camera, coordinates, and its section `agent`.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command()
def run(
    source: Annotated[
        list[str],
        typer.Option(help="A camera's folder, rtsp://..., /dev/video0, or a video file; may be repeated."),
    ],
    server: Server = None,
    profile: Profile = None,
    position: Annotated[
        str | None,
        typer.Option(
            help="gpsd://host:2947, nmea:/dev/ttyUSB0, nmea://host:port, gpx:FILE; EXIF if not given."
        ),
    ] = None,
    state: State = None,
    token_file: TokenFile = None,
    lang: Lang = None,
) -> None:
    """Take frames, keep them safe, and send them whenever there is a link. Ends cleanly at SIGTERM.

    Exit status: 2 usage and settings, 3 spool or release.
    """
    with _agent(lang):
        from streetsight.service.agent.running import run as run_agent
        from streetsight.service.agent.settings import read_device_file
        from streetsight.service.logs import configure_logs

        configure_logs("info")
        folder = _folder(state)
        identity = _identity(folder, server, token_file)
        known, local = read_device_file(profile)
        run_agent(folder, identity, known, local, source, position, _stop_at_signals())


@app.command()
def enrol(
    code: Annotated[str, typer.Argument(help="From an admin: `streetsight device code NAME`, or the page.")],
    server: Annotated[str, typer.Option(help="https://host of the server.")],
    authority: Annotated[
        Path | None, typer.Option("--ca", help="PEM of the certificate authority that alone is trusted.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="SHA-256 of the server's own certificate, which alone is trusted.")
    ] = None,
    state: State = None,
    lang: Lang = None,
) -> None:
    """Exchange a code for this vehicle's token and the server's key. If it breaks off, do it again."""
    with _agent(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.agent.enrolling import enrol as exchange
        from streetsight.service.agent.status import at_work

        folder = _folder(state)
        identity = exchange(folder, server, code, authority, fingerprint)
        typer.echo(
            translate(
                "enrolled with {server} as {device}", language, server=identity.server, device=identity.device
            )
        )
        if at_work(folder):
            typer.echo(translate("the agent that is at work here goes by what it had: restart it", language))


@app.command()
def status(state: State = None, as_json: Json = False, lang: Lang = None) -> None:
    """What is in the spool, what was evicted, what is wrong. Works beside a running agent."""
    with _agent(lang) as language:
        from streetsight.service.agent.status import lines, read_status

        found = read_status(_folder(state))
        if as_json:
            typer.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
            return
        for line in lines(found, language):
            typer.echo(line)


@app.command()
def retry(state: State = None, lang: Lang = None) -> None:
    """Queue again what the server refused. The agent must be stopped."""
    with _agent(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.agent.opening import held
        from streetsight.service.agent.settings import SpoolSettings
        from streetsight.service.agent.spool import Spool
        from streetsight.service.agent.status import check_spool

        folder = _folder(state)
        check_spool(folder)
        with held(folder):
            spool = Spool(folder, SpoolSettings)
            count = spool.retry()
            spool.close()
        typer.echo(translate("{count} frames are queued again", language, count=count))


@app.command()
def drain(
    server: Server = None,
    profile: Profile = None,
    everything: Annotated[bool, typer.Option("--all", help="Also frames that were thinned out.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="On any network, at any hour.")] = False,
    state: State = None,
    token_file: TokenFile = None,
    lang: Lang = None,
) -> None:
    """Send all that waits, and end when it is done. The agent must be stopped.

    Without --profile it goes by the settings that the agent last ran with.

    Exit status: 0, or 1 when it was interrupted before all was sent.
    """
    with _agent(lang) as language:
        from streetsight.models.language import translate
        from streetsight.service.agent.local import remembered
        from streetsight.service.agent.running import drain as drain_spool
        from streetsight.service.agent.running import open_parts
        from streetsight.service.agent.settings import read_device_file
        from streetsight.service.logs import configure_logs

        configure_logs("warning")
        folder = _folder(state)
        identity = _identity(folder, server, token_file)
        local = read_device_file(profile)[1] if profile else remembered(folder)
        with open_parts(folder, identity, local) as parts:
            left = drain_spool(parts, _stop_at_signals(), anyway, everything)
            refused = parts.spool.refused()
        typer.echo(translate("{count} frames are left", language, count=left))
        if refused:
            told = "{count} frames cannot be sent; `streetsight agent status` tells why"
            typer.echo(translate(told, language, count=refused))
    if left:
        raise typer.Exit(1)


@contextmanager
def _agent(lang: str | None) -> "Iterator[Language]":
    from streetsight.service.agent.faults import SpoolError

    with spoken_errors(lang, (SpoolError,)) as language:
        yield language


def _folder(given: Path | None) -> Path:
    if given is not None:
        return given
    if systemd := os.environ.get("STATE_DIRECTORY"):
        return Path(systemd.partition(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "streetsight-agent"


def _identity(folder: Path, server: str | None, token_file: Path | None) -> "Identity":
    """Who we are by enrolment, or by what was given. Raises AgentError."""
    from streetsight.service.agent.identity import identity_of

    return identity_of(folder, server, token_file)


def _stop_at_signals() -> threading.Event:
    stop = threading.Event()

    def ask(*_: Any) -> None:
        # not here: whoever was interrupted may hold the event's lock
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop
