"""`streetsight cluster`: take a machine into a Ray cluster, put replicas onto it, look at it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import Lang
from streetsight.service.cli import settings_of

app = typer.Typer(
    no_args_is_help=True, help="A Ray cluster that looks at photos: start nodes, deploy, status."
)


@app.command()
def start(
    head: Annotated[bool, typer.Option("--head", help="The cluster's first machine.")] = False,
    address: Annotated[
        str | None, typer.Option(help="host:port of the head; STREETSIGHT_RAY_ADDRESS when not given.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="This machine's address in the cluster; found by Ray when not given.")
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores for the cluster; all.")] = None,
    store_mib: Annotated[int, typer.Option(min=80, help="Shared memory for what Ray passes on.")] = 200,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Ray's dashboard, on 127.0.0.1:8265 of the head only.")
    ] = False,
    scratch: Annotated[Path | None, typer.Option(help="Folder of Ray's sockets and logs; /tmp/ray.")] = None,
    lang: Lang = None,
) -> None:
    """Run a machine's part of the cluster until SIGTERM; for systemd and for terminals.

    Who has no token (STREETSIGHT_RAY_TOKEN) can do nothing with it. The replicas read this environment:
    storage (STREETSIGHT_FILES_URL) and releases (STREETSIGHT_RELEASES) as the workers have them.

    Exit status: 2 usage and settings.
    """
    with settings_of(lang, ray_address=address) as (settings, _):
        from streetsight.service.cluster.nodes import Node, become_node

        folder = str(scratch.resolve()) if scratch else None
        become_node(Node(head, host, cores, store_mib, dashboard, folder), settings)


@app.command()
def deploy(lang: Lang = None) -> None:
    """Put the replicas onto the cluster as the settings say, in the place of those that may be there.

    Workers do it by themselves where there are none. Photos under way are tried again.

    Exit status: 2 settings, 3 the cluster does not answer.
    """
    with settings_of(lang) as (settings, language):
        from streetsight.models.language import translate
        from streetsight.service.cluster import connecting, deploying

        connecting.join(settings)
        deploying.deploy(settings)
        counts = {"replicas": settings.ray_replicas, "cores": settings.ray_replica_cores}
        typer.echo(translate("{replicas} replicas of {cores} cores are started", language, **counts))


@app.command()
def status(lang: Lang = None) -> None:
    """Machines, cores and replicas, as JSON.

    Exit status: 2 settings, 3 the cluster does not answer.
    """
    with settings_of(lang) as (settings, _):
        from streetsight.service.cluster.deploying import status_of

        typer.echo(json.dumps(status_of(settings), indent=1))
