"""Joining a Ray cluster, and what can be wrong with it, said so that a person can mend it.

Ray ends a process whose head stays away, and cannot leave one cluster for the next in the same process. So
whoever joins is a process of its own: the driver of a worker (`driver.py`), or a command.
"""

import importlib
import logging
import os
import platform
import re
import secrets
import socket
import traceback
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from streetsight.models.language import SpokenError
from streetsight.service.faults import Unavailable
from streetsight.service.settings import Settings

NAMESPACE = "streetsight"
LOST_AFTER_SECONDS = (
    10  # a head that is away for longer is lost; Ray's own 60 are longer than a restart takes
)
PROBE_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""With it Ray leaves that address alone; else it takes the one by which the machine reaches others."""


class ClusterError(SpokenError):
    """The cluster cannot be used as things are set up; waiting does not help."""


class ClusterLost(Unavailable):
    """The cluster, or the replica that was asked, does not answer."""

    code = "cluster_unavailable"


class OtherCluster(ClusterLost):
    """What answers is no cluster for us: of another version, or with another token."""

    code = "other_cluster"


def require_ray(settings: Settings) -> None:
    """Whether this machine could join at all.

    Raises:
        ClusterError: Ray is not installed, or there is no token.
    """
    if find_spec("ray") is None:
        raise ClusterError(
            "Ray is not installed here, and the engine `ray` needs it: install the extra with "
            "`pip install 'streetsight[cluster]'`, or set STREETSIGHT_ENGINE=local"
        )
    if settings.ray_token is None:
        raise ClusterError(
            "the cluster needs a token, the same on all of its machines: put one into STREETSIGHT_RAY_TOKEN "
            "or into the file /run/secrets/streetsight_ray_token, for instance {example}",
            example=secrets.token_hex(32),
        )


def ray_environment(settings: Settings) -> dict[str, str]:
    """What Ray reads from the environment: with the token, without statistics sent to its makers."""
    token = settings.ray_token.get_secret_value() if settings.ray_token else ""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_gcs_rpc_server_reconnect_timeout_s": str(LOST_AFTER_SECONDS),
        "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "1",  # its 0.1 s fill the log on a busy machine
        "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    }


def join(settings: Settings) -> Any:
    """Join the cluster of the settings with this process; gives the module `ray`.

    Raises:
        ClusterError: as `require_ray`.
        ClusterLost: nobody answers there; OtherCluster: of another version, or with another token.
    """
    require_ray(settings)
    _probe(settings.ray_address)
    os.environ |= ray_environment(settings)  # read when Ray is imported
    if is_on_loopback(settings.ray_address):
        os.environ |= ON_LOOPBACK
    ray = importlib.import_module("ray")
    try:
        ray.init(
            settings.ray_address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR,
            configure_logging=False,
        )  # fmt: skip
    except (ray.exceptions.RayError, RuntimeError, OSError, ValueError) as error:
        raise why(settings.ray_address, error) from error
    return ray


def _probe(address: str) -> None:
    """Ray waits for half a minute where nobody is."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PROBE_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterLost(
            "no Ray cluster answers at {address} ({reason}); start its head with `streetsight cluster start "
            "--head`, or correct STREETSIGHT_RAY_ADDRESS",
            address=address, reason=error,
        ) from error  # fmt: skip


def is_on_loopback(address: str) -> bool:
    """Whether the head was started with `--host 127.0.0.1`: it answers at no other address."""
    host, _, port = address.rpartition(":")
    if host not in (LOOPBACK, "localhost"):
        return False
    try:
        socket.create_connection((_own_address(), int(port)), PROBE_SECONDS).close()
    except OSError:
        return True
    return False


def _own_address() -> str:
    """As Ray finds it: by which this machine reaches others, else that of its name."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
            outward.connect(("8.8.8.8", 53))  # sends nothing
            return str(outward.getsockname()[0])
    except OSError:
        return socket.gethostbyname(socket.gethostname())


def why(address: str, error: Exception) -> ClusterLost:
    """What Ray's error means: it names its reasons in the errors behind it."""
    text = "".join(traceback.format_exception(error))
    found = re.search(r"cluster was started with:\s+Ray: (\S+)\s+Python: (\S+)", text)
    if found:
        return OtherCluster(
            "the cluster at {address} runs Ray {ray} on Python {python}, this machine Ray {our_ray} on "
            "Python {our_python}; they must be the same: install `ray=={ray}` and Python {python} here, or "
            "this machine's versions there",
            address=address, ray=found[1], python=found[2], our_ray=version("ray"),
            our_python=platform.python_version(),
        )  # fmt: skip
    if "AuthenticationError" in text:
        return OtherCluster(
            "the cluster at {address} does not take our token; STREETSIGHT_RAY_TOKEN must be the same as on "
            "the machine where its head was started",
            address=address,
        )
    return ClusterLost(
        "the Ray cluster at {address} cannot be joined ({reason}); a machine joins by a node of its own: is "
        "`streetsight cluster start` running on this one?",
        address=address, reason=str(error).strip().partition("\n")[0][:300],
    )  # fmt: skip
