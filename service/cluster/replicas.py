"""Replicas of the detector on a Ray cluster: keys come in, what a release found goes out.

A request names a release by its address and photos by their digests. The replica reads the bytes from the
storage itself, by the settings of its own machine, and answers with exactly that release: it keeps the two
that were asked for last, so that a change while photos are under way mixes nothing.
"""

import asyncio
import pickle
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from streetsight.inference.pipeline import FrameResult, detect_source
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release, ReleaseError, find_release, load_release, search_path
from streetsight.service.faults import Unavailable
from streetsight.service.files.opening import open_blobs
from streetsight.service.settings import Settings, read_settings

KEPT_RELEASES = 2
PHOTOS_PER_CORE = 8  # of one request: Ray costs some 15 ms of a core for each, so keys travel in groups
REQUESTS_AT_ONCE = 2  # of one replica: while it looks at the photos of one, those of the next are read

Answer = FrameResult | Exception
"""What came of one photo."""

Found = TypeVar("Found")


class NotReady(Unavailable):
    """A machine of the cluster lacks something that all of them need."""

    code = "node_not_ready"


class Looking:
    """Releases and storage of one process of the cluster. Safe to call from several threads at once."""

    def __init__(self, provider: str, cores: int) -> None:
        """Args: cores: photos that are looked at together, each with one."""
        self._provider, self._cores = provider, cores
        self._blobs = open_blobs(read_settings())
        self._loaded: OrderedDict[str, Detector] = OrderedDict()
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def read(self, sha256: str) -> bytes:
        """A photo's bytes. Raises NoBlob, Unavailable."""
        return self._blobs.get(sha256)

    def look(self, address: str, photo: bytes) -> FrameResult:
        """What the release of this address finds on a photo. Raises NotReady."""
        return detect_source(PhotoSource("", partial(bytes, photo)), self.detector(address))

    def detector(self, address: str) -> Detector:
        """The release of this address, loaded and warm. Raises NotReady."""
        if (kept := self._kept(address)) is not None:
            return kept
        with self._loading:  # once, while others go on with what is loaded
            if (kept := self._kept(address)) is not None:
                return kept
            try:
                detector = Detector(_release(address), threads=1, calls=self._cores, provider=self._provider)
            except ReleaseError as error:
                raise NotReady(
                    "the machine {host} of the cluster cannot look with {address}: {reason}",
                    host=socket.gethostname(), address=address, reason=error,
                ) from error  # fmt: skip
            with self._lock:
                self._loaded[address] = detector
                while len(self._loaded) > KEPT_RELEASES:
                    self._loaded.popitem(last=False)
            return detector

    def _kept(self, address: str) -> Detector | None:
        with self._lock:
            if address in self._loaded:
                self._loaded.move_to_end(address)
            return self._loaded.get(address)


class Replica:
    """A deployment of Ray Serve: answers groups of keys, a photo per core."""

    def __init__(self, provider: str, cores: int) -> None:
        self._looking = Looking(provider, cores)
        self._readers = ThreadPoolExecutor(cores * PHOTOS_PER_CORE, thread_name_prefix="read")
        self._lookers = ThreadPoolExecutor(cores, thread_name_prefix="look")

    async def __call__(self, address: str, keys: Sequence[str]) -> bytes:
        """An `Answer` per key, in their order, pickled: what asks on the way need not understand them."""
        return pickle.dumps(await asyncio.gather(*(self._answer(address, key) for key in keys)))

    async def prepare(self, address: str) -> bytes:
        """Load a release; gives None or the error, pickled."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._readers, self._looking.detector, address)
        except SpokenError as error:
            return pickle.dumps(error)
        return pickle.dumps(None)

    async def _answer(self, address: str, key: str) -> Answer:
        loop, looking = asyncio.get_running_loop(), self._looking
        photo = await loop.run_in_executor(self._readers, answer_of, partial(looking.read, key))
        if isinstance(photo, Exception):
            return photo
        return await loop.run_in_executor(self._lookers, answer_of, partial(looking.look, address, photo))


def under_way(settings: Settings) -> int:
    """Requests that one worker may have under way: what keeps the replicas busy, shared with its siblings.

    More would only be smaller: photos wait for a request together, and go in groups.
    """
    return max(1, REQUESTS_AT_ONCE * settings.ray_replicas // max(1, settings.workers))


def answer_of(work: Callable[[], Found]) -> Found | Exception:
    """What work gives, or what went wrong as something that can be sent: it is this photo's alone."""
    try:
        return work()
    except SpokenError as error:
        return error
    except Exception as error:  # noqa: BLE001  whatever it is
        return RuntimeError(f"{type(error).__name__}: {error}")


def _release(address: str) -> Release:
    """The release of exactly this address. Raises ReleaseError."""
    roots = search_path()
    name = address.partition("@")[0]
    folder = find_release(name, roots)
    if folder is None:
        raise ReleaseError(
            "it is not there; copy its folder {name} into {places}",
            name=name, places=", ".join(map(str, roots)),
        )  # fmt: skip
    release = load_release(folder)
    if release.address != address:
        raise ReleaseError(
            "{path}: is {actual} there; restore the folder", path=folder, actual=release.address
        )
    return release
