"""Releases that really run, as small as they can be, and evidence about them."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from streetsight.models.card import (
    Card,
    CardClass,
    DataSource,
    Evaluation,
    ModelInput,
    ModelOutput,
    Parity,
    Training,
    write_card,
)
from streetsight.models.comparison import Comparison, FrozenSet, LeakCheck, Row, Side
from streetsight.models.releases import Release, load_release
from streetsight.models.trained_on import write_trained_on

CLASSES = ("pothole", "garbage")
SIDE = 64

MakeRelease = Callable[..., Path]
MakeEvidence = Callable[..., Comparison]


def tiny_onnx(classes: int, mark: str) -> bytes:
    """A one-to-many network that sees nothing; `mark` makes its bytes unlike any other's."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    rows, anchors = 4 + classes, 84
    shape: list[str | int | None] = ["n", 3, SIDE, SIDE]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zeros"], ["output"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, rows, anchors])],
        [numpy_helper.from_array(np.zeros((1, rows, anchors), np.float32), "zeros")],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9, doc_string=mark)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="session")
def make_complete() -> MakeRelease:
    """Write a release whose card lacks nothing; keyword arguments replace parts of the card."""

    def make(
        root: Path,
        name: str,
        mark: str | None = None,
        classes: tuple[str, ...] = CLASSES,
        outputs: int | None = None,
        **changes: object,
    ) -> Path:
        folder = root / name
        folder.mkdir(parents=True)
        onnx = tiny_onnx(outputs or len(classes), mark or name)
        (folder / "model.onnx").write_bytes(onnx)
        trained_on = write_trained_on([("a" * 64, "square"), ("b" * 64, "bridge")], folder)
        evaluations = tuple(
            Evaluation(part=part, photos=9, digest="d", map50=0.5, map50_95=0.3, classes=())
            for part in ("val", "test")
        )
        card = Card(
            name=name,
            created=date(2026, 5, 6),
            architecture="none",
            licence="AGPL-3.0-or-later",
            onnx_sha256=hashlib.sha256(onnx).hexdigest(),
            taxonomy_version="1",
            threshold_rule="by hand",
            classes=tuple(
                CardClass(id=index, name=each, threshold=0.5) for index, each in enumerate(classes)
            ),
            input=ModelInput(size=SIDE, rectangular=False),
            output=ModelOutput(head="one_to_many", nms_iou=0.7),
            data=(DataSource(name="streets", photos=2, labelled_classes=classes, licence="CC BY 4.0"),),
            training=Training(
                recipe="none", epochs=0, train_photos=2, rendered_frames=0, train_digest="t",
                trained_on_sha256=trained_on, start_sha256="0" * 64, commit=None, versions={},
            ),
            evaluations=evaluations,
            parity=Parity(photos=16, max_score_difference=1e-4, max_box_difference_px=0.01),
            limits=("sees nothing",),
        )  # fmt: skip
        write_card(Card.model_validate({**card.model_dump(), **changes}), folder / "card.json")
        return folder

    return make


@pytest.fixture(scope="session")
def make_evidence() -> MakeEvidence:
    """A comparison in which the challenger is a little better everywhere; keyword arguments replace parts."""

    def make(champion: Release, challenger: Release, /, **changes: object) -> Comparison:
        comparison = Comparison(
            created=datetime(2026, 5, 7, tzinfo=UTC),
            champion=side(champion),
            challenger=side(challenger),
            frozen_set=FrozenSet(version=None, part="test", digest="f" * 64, photos=60, groups=30),
            draws=1000,
            seed=0,
            rows=(
                row("mean", "mean"),
                row("condition", "exposed_garbage"), row("condition", "broken_facility"),
                row("class", "garbage"), row("class", "pothole"), row("class", "car", gated=False),
            ),
            leak=LeakCheck(proof="photo list"),
            champion_leak=LeakCheck(proof="none"),
        )  # fmt: skip
        return Comparison.model_validate({**comparison.model_dump(), **changes})

    return make


def side(release: Release) -> Side:
    return Side(address=release.address, card_sha256=release.card_sha256(), classes=release.card.class_names)


def row(kind: str, name: str, **changes: object) -> Row:
    return Row.model_validate(
        {
            "kind": kind, "name": name, "boxes": 50, "groups": 20, "champion": 0.5, "challenger": 0.55,
            "low": -0.01, "high": 0.09, "p_worse": 1.0, "gated": True, **changes,
        }
    )  # fmt: skip


@pytest.fixture
def folder_release(make_complete: MakeRelease, tmp_path: Path) -> Release:
    """A complete release in a folder of its own."""
    return load_release(make_complete(tmp_path / "made", "first"))
