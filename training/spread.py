"""A training run over several workers, by Ray Train: each takes its share of every batch.

Ray starts the workers, joins them, and starts all of them again when one is lost; they go on after the last
whole epoch, as a run in one process does. Labels and paths travel through Ray; photos are read where they
are looked at, so all machines see the photos and the run's folder under the same paths.
"""

import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from streetsight.models.language import SpokenError

if TYPE_CHECKING:
    from streetsight.training.train import Lesson

PROBE_SECONDS = 5.0
LOST_WORKERS = 3
"""So often a run is begun again after a worker was lost."""


class ClusterError(SpokenError):
    """Workers cannot be had, or were lost too often."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a run is spread.

    Attributes:
        cores: of each worker, where it has no GPU.
        gpus: whether each has one.
        address: `host:port` of a Ray cluster; this machine alone if None.
    """

    workers: int
    cores: int = 1
    gpus: bool = False
    address: str | None = None


def learn_on_workers(lesson: "Lesson", spread: Spread) -> None:
    """Learn together, from the last whole epoch on.

    Raises:
        ClusterError: Ray is not installed, no cluster answers, or workers were lost again and again.
    """
    if find_spec("ray") is None:
        raise ClusterError("several workers need Ray: `pip install 'streetsight[cluster]'`")
    with _cluster(spread):
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.base_trainer import TrainingFailedError
        from ray.train.torch import TorchTrainer

        trainer = TorchTrainer(
            _learn_share,
            train_loop_config={"lesson": pickle.dumps(lesson), "cores": spread.cores},
            scaling_config=ScalingConfig(
                num_workers=spread.workers, use_gpu=spread.gpus, resources_per_worker={"CPU": spread.cores}
            ),
            run_config=RunConfig(
                name="workers", storage_path=str(lesson.run.resolve()),
                failure_config=FailureConfig(max_failures=LOST_WORKERS),
            ),
        )  # fmt: skip
        try:
            trainer.fit()
        except TrainingFailedError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ClusterError("the workers did not get to the end: {reason}", reason=reason) from error


def _learn_share(config: dict[str, Any]) -> None:
    """What each worker runs. Ultralytics reads which of them it is when it is imported: here, no earlier."""
    from streetsight.training.train import learn

    learn(pickle.loads(config["lesson"]), config["cores"])


@contextmanager
def _cluster(spread: Spread) -> Iterator[None]:
    if spread.address is not None:
        _probe(spread.address)
        if token := os.environ.get("STREETSIGHT_RAY_TOKEN"):  # as the service's machines have it
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    import ray

    try:
        if spread.address is None:
            ray.init(num_cpus=spread.workers * spread.cores, include_dashboard=False)
        else:
            ray.init(spread.address)
    except Exception as error:  # Ray raises bare ones when a node is too slow to start
        raise ClusterError(
            "no Ray cluster at {address} that this Ray {version} can join: {reason}",
            address=spread.address or "this machine", version=ray.__version__, reason=error,
        ) from error  # fmt: skip
    try:
        yield
    finally:
        ray.shutdown()


def _probe(address: str) -> None:
    """Ray itself waits for half a minute and longer where nobody is."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PROBE_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(
            "no Ray cluster answers at {address} ({reason}); start its head, or leave --ray out",
            address=address, reason=error,
        ) from error  # fmt: skip
