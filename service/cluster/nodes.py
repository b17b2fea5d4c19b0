"""A machine of the cluster: Ray's processes, started so that nobody without the token can use them."""

import os
import sys
from dataclasses import dataclass

from streetsight.service.cluster.connecting import LOOPBACK, ON_LOOPBACK, ray_environment, require_ray
from streetsight.service.settings import Settings

LOSE_AFTER_SECONDS = 300  # a node whose head is away waits for so long before it ends


@dataclass(frozen=True, slots=True)
class Node:
    """How a machine takes part.

    Attributes:
        host: its address in the cluster's network; None is the one by which it reaches others.
        cores: that the cluster may use; None is all.
        store_mib: of shared memory for what Ray passes on; keys and boxes are small.
        dashboard: the head shows Ray's dashboard, on loopback only.
    """

    head: bool
    host: str | None = None
    cores: int | None = None
    store_mib: int = 200
    dashboard: bool = False
    scratch: str | None = None


def command_of(node: Node, settings: Settings) -> list[str]:
    """What starts Ray's processes and stays with them until it is told to end."""
    port = settings.ray_address.rpartition(":")[2]
    options = ["--head", f"--port={port}"] if node.head else [f"--address={settings.ray_address}"]
    if node.head:
        options += [f"--include-dashboard={str(node.dashboard).lower()}", f"--dashboard-host={LOOPBACK}"]
        options += [f"--temp-dir={node.scratch}"] if node.scratch else []
    options += [f"--node-ip-address={node.host}"] if node.host else []
    options += [f"--num-cpus={node.cores}"] if node.cores else []
    options += [f"--object-store-memory={node.store_mib << 20}", "--include-log-monitor=false"]
    ray = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
    return [*ray, "start", "--block", "--disable-usage-stats", *options]


def become_node(node: Node, settings: Settings) -> None:
    """Replace this process by Ray's, which ends its own at SIGTERM.

    Raises:
        ClusterError: Ray is not installed, or there is no token.
    """
    require_ray(settings)
    environment = {**os.environ, **ray_environment(settings)}
    if node.host == LOOPBACK:
        environment |= ON_LOOPBACK
    command = command_of(node, settings)
    os.execve(command[0], command, environment)
