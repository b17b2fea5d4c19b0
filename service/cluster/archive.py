"""Many photos at once by Ray Data: keys in, answers out, over all cores of the cluster that are free.

As with the driver of a worker a process of its own asks, because Ray ends it when the head stays away:
`python -m streetsight.service.cluster.archive FD`.
"""

import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from streetsight.inference.pipeline import in_order
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release
from streetsight.service.cluster.beside import start_beside
from streetsight.service.cluster.connecting import ClusterLost, join, require_ray
from streetsight.service.cluster.deploying import GPU_PROVIDERS
from streetsight.service.cluster.replicas import Answer, Looking, answer_of
from streetsight.service.reprocessing.running import Looks
from streetsight.service.settings import Settings

TOGETHER = 16  # photos of one task, per core: a task costs Ray some ten milliseconds
FIRST_ANSWERS = 2  # times as long as a replica may take: the first come once actors are up and models loaded


class Batches:
    """An actor of Ray Data: batches of keys to batches of answers."""

    def __init__(self, provider: str, cores: int, address: str) -> None:
        self._looking, self._cores, self._address = Looking(provider, cores), cores, address

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """`item`: digests; gives them as `key`, and with each an `Answer`, pickled."""
        keys = [str(each) for each in batch["item"]]
        answers = in_order(lambda key: pickle.dumps(self._one(key)), keys, self._cores)
        return {"key": keys, "answer": [*answers]}

    def _one(self, key: str) -> Answer:
        return answer_of(lambda: self._looking.look(self._address, self._looking.read(key)))


def look_there(release: Release, settings: Settings) -> Looks:
    """Photos by the cluster.

    Raises:
        ClusterError: this machine could not ask any cluster.
    """
    require_ray(settings)
    return lambda keys: _ask(release.address, settings, keys)


def _ask(address: str, settings: Settings, keys: Sequence[str]) -> Iterator[tuple[str, Answer]]:
    """Answers as they come.

    Raises:
        ClusterLost: the process that asks has ended before it told all, or tells nothing for long: after a
            head that was killed and came back at once, Ray would let it wait for ever.
    """
    patience = FIRST_ANSWERS * settings.ray_timeout_seconds
    process, connection = start_beside("streetsight.service.cluster.archive")
    try:
        with connection:
            connection.send((settings, address, [*keys]))
            while (said := _heard(connection, patience)) is not None:
                if isinstance(said, Exception):
                    raise said
                for key, answer in zip(*said, strict=True):
                    yield key, pickle.loads(answer)
    except (EOFError, OSError) as error:
        raise ClusterLost("the cluster was lost; it is tried again") from error
    finally:
        process.kill()
        process.wait()


def _heard(connection: Connection, seconds: float) -> Any:
    """What is told next. Raises ClusterLost, EOFError, OSError."""
    if not connection.poll(seconds):
        raise ClusterLost(
            "the cluster has told nothing for {seconds} s; `streetsight cluster status` tells whether its "
            "machines are there",
            seconds=seconds,
        )
    return connection.recv()


def look_at_all(settings: Settings, address: str, keys: list[str]) -> Iterator[tuple[list[str], list[bytes]]]:
    """Keys and their pickled answers, batch by batch, in any order. In a process of its own.

    Raises:
        ClusterError, ClusterLost: as `join`; ClusterLost also when no core is free.
    """
    ray = join(settings)
    from ray import data

    cores = settings.ray_replica_cores
    free, every = ray.available_resources().get("CPU", 0), ray.cluster_resources().get("CPU", 0)
    actors = min(int(free // cores), -(-len(keys) // TOGETHER))
    if not actors:
        raise ClusterLost(
            "{cores} cores are needed and {free} of the cluster's {every} are free; replicas hold the "
            "others: add machines, or deploy fewer replicas",
            cores=cores, free=free, every=every,
        )  # fmt: skip
    data.DataContext.get_current().print_on_execution_start = False
    batches = -(-len(keys) // (TOGETHER * cores))
    looked = data.from_items(keys, override_num_blocks=min(batches, 8 * actors)).map_batches(
        Batches, fn_constructor_args=(settings.provider, cores, address), batch_size=TOGETHER * cores,
        compute=data.ActorPoolStrategy(size=actors), num_cpus=cores,
        num_gpus=1 if settings.provider in GPU_PROVIDERS else None,
    )  # fmt: skip
    for batch in looked.iter_batches(batch_size=None, batch_format="pyarrow"):
        yield batch["key"].to_pylist(), batch["answer"].to_pylist()


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    try:
        settings, address, keys = connection.recv()
        try:
            for said in look_at_all(settings, address, keys):
                connection.send(said)
            connection.send(None)
        except SpokenError as error:
            connection.send(error)
        except (EOFError, OSError):
            raise
        except Exception as error:  # noqa: BLE001  whatever Ray raises: who asked tries again and says it
            reason = str(error).strip().rpartition("\n")[2][:300]
            connection.send(ClusterLost("the cluster does not answer ({reason})", reason=reason))
    except (EOFError, OSError):
        pass  # whoever asked is gone
    os._exit(0)  # without Ray's own way out, which waits for a head that may be gone


if __name__ == "__main__":
    main()
