"""Many photos: one result each, in order, whatever happens to their neighbours."""

import io
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from streetsight.inference.backends import OnnxRuntime
from streetsight.inference.pipeline import (
    IN_FLIGHT_PER_WORKER,
    FrameResult,
    Options,
    cores,
    detect_photos,
    in_order,
    open_detector,
)
from streetsight.inference.reading import PhotoError
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.inference.tiling import Tiling
from streetsight.inference.writers import to_json
from streetsight.models.releases import Release

FEW = Options(min_score=0.05)


def jpeg(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def source(name: str, data: bytes) -> PhotoSource:
    return PhotoSource(name, lambda: data)


def unreadable() -> bytes:
    raise PhotoError("unreadable", "the file cannot be read ({reason})", reason="the card was pulled out")


@pytest.fixture
def patrol(street_rgb: NDArray[np.uint8]) -> list[PhotoSource]:
    """Good photos between bad ones."""
    whole = jpeg(street_rgb)
    return [
        source("1.jpg", whole),
        source("2.jpg", b""),
        source("3.jpg", jpeg(street_rgb[:, ::-1].copy())),
        source("4.jpg", whole[: len(whole) // 2]),
        PhotoSource("5.jpg", unreadable),
        source("6.jpg", jpeg(np.roll(street_rgb, 100, axis=1))),
        source("7.jpg", jpeg(np.zeros((360, 640, 3), np.uint8))),
    ]


def test_failures_do_not_cost_their_neighbours(patrol: list[PhotoSource], detector: Detector) -> None:
    results = list(detect_photos(patrol, detector, workers=2, options=FEW))
    assert [result.name for result in results] == [f"{i}.jpg" for i in range(1, 8)]
    assert [result.outcome for result in results] == [
        "accepted", "invalid_image", "accepted", "truncated", "unreadable", "accepted", "accepted",
    ]  # fmt: skip
    assert all((result.error is None) == (result.detections is not None) for result in results)
    assert results[0].quality is not None
    assert results[0].quality.scorable
    assert results[6].quality is not None
    assert "too_dark" in results[6].quality.faults


def test_workers_do_not_change_the_results(patrol: list[PhotoSource], detector: Detector) -> None:
    def rows(workers: int) -> list[dict[str, object]]:
        return [to_json(each, detector.card) for each in detect_photos(patrol, detector, workers, FEW)]

    assert rows(1) == rows(2)


def test_only_the_classes_asked_for(patrol: list[PhotoSource], detector: Detector) -> None:
    def classes(options: Options) -> set[int]:
        (result,) = detect_photos(patrol[:1], detector, 1, options)
        assert result.detections is not None
        return set(result.detections.class_ids.tolist())

    every = classes(Options(min_score=0.001))
    assert every
    for wanted in (frozenset(), frozenset(list(every)[:1])):
        assert classes(Options(min_score=0.001, class_ids=wanted)) == wanted


@pytest.mark.parametrize("size_wh", [(4000, 40), (40, 2000), (33, 32)])
@pytest.mark.parametrize("tiling", [None, Tiling(size=512)], ids=["whole", "tiled"])
def test_odd_shapes_go_through(size_wh: tuple[int, int], tiling: Tiling | None, detector: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    (result,) = detect_photos([source("x.jpg", jpeg(noise))], detector, 1, Options(tiling=tiling))
    assert result.outcome == "accepted"
    assert result.size_wh == size_wh


def test_tiles_are_of_the_full_photo(street_rgb: NDArray[np.uint8], detector: Detector) -> None:
    large = np.asarray(Image.fromarray(street_rgb).resize((1280, 720)))
    tiled = Options(min_score=0.05, tiling=Tiling(size=640))
    (result,) = detect_photos([source("x.jpg", jpeg(large))], detector, 1, tiled)
    assert result.size_wh == (1280, 720)
    assert result.detections is not None
    assert (result.detections.boxes_xyxy_px <= [1280, 720, 1280, 720]).all()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order_is_kept_however_long_each_takes(workers: int) -> None:
    gates = [threading.Event() for _ in range(10)]

    def work(index: int) -> int:
        # Where there are several workers, each photo waits for the one after it.
        if workers > 1 and index % 2 == 0:
            gates[index + 1].wait(10)
        gates[index].set()
        return index

    assert list(in_order(work, range(10), workers)) == list(range(10))


@pytest.mark.parametrize("workers", [2, 3])
def test_few_photos_are_in_flight(workers: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for index in range(50):
            taken.append(index)
            yield index

    for done, index in enumerate(in_order(lambda item: item, items(), workers)):
        assert index == done
        assert len(taken) <= done + workers * IN_FLIGHT_PER_WORKER


def test_stopping_early_starts_nothing_more() -> None:
    started: list[int] = []
    gate = threading.Event()

    def work(index: int) -> int:
        started.append(index)
        if index:
            gate.wait(10)
        return index

    results = in_order(work, range(1000), workers=2)
    assert next(results) == 0
    threading.Timer(0.05, gate.set).start()
    results.close()  # type: ignore[attr-defined]
    assert len(started) <= 2 * IN_FLIGHT_PER_WORKER


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_of_ours_is_not_swallowed(workers: int) -> None:
    def work(index: int) -> int:
        return 1 // index

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, [1, 0, 1], workers))


@pytest.mark.parametrize(
    ("photos", "workers_of"),
    [
        (0, lambda every: 1),  # nothing to do needs no pool
        (1, lambda every: 1),  # one photo gets all cores inside one call
        (10_000, lambda every: every),  # many get a core each
    ],
)
def test_cores_are_shared_out(photos: int, workers_of: Callable[[int], int], release: Release) -> None:
    detector, workers = open_detector(release, photos, provider="onnx")
    assert workers == workers_of(cores())
    backend = detector._backend
    assert isinstance(backend, OnnxRuntime)
    assert backend._session.get_session_options().intra_op_num_threads * workers == cores()


def test_a_result_without_an_error_is_accepted() -> None:
    assert FrameResult("a.jpg").outcome == "accepted"
    assert FrameResult("a.jpg", PhotoError("too_small", "tiny")).outcome == "too_small"
