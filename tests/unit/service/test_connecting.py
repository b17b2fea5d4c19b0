"""What is said when a cluster cannot be joined; a real cluster is in the integration tests."""

import os
import pickle
import platform
import socket
from pathlib import Path

import pytest
import ray
from pydantic import SecretStr

from streetsight.inference.reading import PhotoError
from streetsight.models.language import SpokenError
from streetsight.service.cluster import connecting
from streetsight.service.cluster.connecting import (
    ON_LOOPBACK,
    ClusterError,
    OtherCluster,
    is_on_loopback,
    join,
    ray_environment,
    require_ray,
    why,
)
from streetsight.service.cluster.driver import Question, Waiting
from streetsight.service.cluster.nodes import Node, command_of
from streetsight.service.faults import Stale
from streetsight.service.settings import Settings

WITH_TOKEN = Settings(ray_token=SecretStr("secret"))


def ray_says(ray_version: str, python: str) -> RuntimeError:
    """What Ray itself raises for a cluster of these versions."""
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as raised:
        check_version_info({"ray_version": ray_version, "python_version": python}, "process")
    return raised.value


@pytest.mark.parametrize(
    ("ray_version", "python"), [("2.40.0", platform.python_version()), (ray.__version__, "3.9.1")]
)
def test_a_cluster_of_another_version_is_said_with_both(ray_version: str, python: str) -> None:
    said = why("head:6379", ray_says(ray_version, python))
    assert isinstance(said, OtherCluster)
    for part in (f"Ray {ray_version} on Python {python}", f"Ray {ray.__version__}", f"`ray=={ray_version}`"):
        assert part in str(said)
    assert "必须相同" in said.say("zh")


def test_nothing_starts_without_a_token_or_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    require_ray(WITH_TOKEN)
    with pytest.raises(ClusterError, match="STREETSIGHT_RAY_TOKEN"):
        require_ray(Settings())
    monkeypatch.setattr(connecting, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"pip install 'streetsight\[cluster\]'"):
        require_ray(WITH_TOKEN)


def test_a_machine_takes_part_in_private() -> None:
    environment = ray_environment(WITH_TOKEN)
    assert environment.items() >= {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "secret", "RAY_USAGE_STATS_ENABLED": "0",
    }.items()  # fmt: skip
    head = command_of(Node(head=True), WITH_TOKEN)
    assert {"--head", "--port=6379", "--include-dashboard=false", "--dashboard-host=127.0.0.1"} <= {*head}
    assert "--dashboard-host=127.0.0.1" in command_of(Node(head=True, dashboard=True), WITH_TOKEN)
    other = command_of(Node(head=False, host="10.0.0.7", cores=4), WITH_TOKEN)
    assert {"--address=127.0.0.1:6379", "--node-ip-address=10.0.0.7", "--num-cpus=4"} <= {*other}
    assert "secret" not in " ".join([*head, *other])


@pytest.mark.parametrize(
    ("listens_on", "asked", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),  # `--host 127.0.0.1`
        ("0.0.0.0", "127.0.0.1", False),  # without: Ray's head then tells the machine's own address
        ("127.0.0.1", "127.0.0.2", False),  # Ray leaves it alone
    ],
)
def test_a_head_on_loopback_is_known_by_answering_nowhere_else(
    listens_on: str, asked: str, expected: bool
) -> None:
    with socket.create_server((listens_on, 0)) as head:
        assert is_on_loopback(f"{asked}:{head.getsockname()[1]}") is expected


def test_who_joins_a_head_on_loopback_leaves_its_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", environment := dict(os.environ))
    monkeypatch.setattr(ray, "init", lambda *_arguments, **_options: None)
    with socket.create_server(("127.0.0.1", 0)) as head:
        join(WITH_TOKEN.model_copy(update={"ray_address": f"127.0.0.1:{head.getsockname()[1]}"}))
    assert environment.items() >= ON_LOOPBACK.items()


def test_questions_are_asked_in_groups_of_one_release() -> None:
    waiting = Waiting(most=3)
    asked = [("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("b", "5"), ("b", None), ("b", "6"), ("b", "7")]
    for number, (address, key) in enumerate(asked):
        waiting.add(Question(number, address, key, alone=key == "7"))
    groups = [[each.number for each in waiting.take()] for _ in range(6)]
    assert groups == [[0, 1, 2], [3], [4], [5], [6], [7]]


@pytest.mark.parametrize(
    "error",
    [
        SpokenError("{path}: is missing", path=Path("a")),
        PhotoError("too_large", "the file has more than {limit} MiB", limit=512),
        Stale("it was changed since; it is at version {version} now", version=7),
    ],
)
def test_errors_are_the_same_in_another_process(error: SpokenError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.say("zh"), again.__dict__) == (str(error), error.say("zh"), error.__dict__)
