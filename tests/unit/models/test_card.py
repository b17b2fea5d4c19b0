"""A card reads back as it was written, and says what is wrong with it."""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.models.card import Card, CardClass, CardError, ModelInput, ModelOutput, read_card, write_card
from streetsight.models.taxonomy import default_taxonomy

shares = st.floats(0, 1)
outputs = st.one_of(
    st.builds(ModelOutput, head=st.just("end_to_end"), max_detections=st.integers(1, 1000)),
    st.builds(ModelOutput, head=st.just("one_to_many"), nms_iou=shares),
)
inputs = st.builds(ModelInput, size=st.integers(64, 4096), pad=st.integers(0, 255), rectangular=st.booleans())


@st.composite
def class_lists(draw: st.DrawFn) -> tuple[CardClass, ...]:
    names = draw(st.lists(st.sampled_from(default_taxonomy().names), min_size=1, unique=True))
    return tuple(CardClass(id=index, name=name, threshold=draw(shares)) for index, name in enumerate(names))


cards = st.builds(
    Card,
    name=st.from_regex(r"[a-z0-9][a-z0-9.-]*", fullmatch=True),
    created=st.dates(),
    architecture=st.text(),
    licence=st.just("AGPL-3.0-or-later"),
    onnx_sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    taxonomy_version=st.just("1"),
    classes=class_lists(),
    input=inputs,
    output=outputs,
    limits=st.lists(st.text()).map(tuple),
)


def fields(**changes: Any) -> dict[str, Any]:
    """A valid card as JSON would have it, with changes."""
    card = Card(
        name="street-n-1",
        created=date(2026, 5, 6),
        architecture="yolo26n",
        licence="AGPL-3.0-or-later",
        onnx_sha256="ab" * 32,
        taxonomy_version="1",
        classes=(
            CardClass(id=0, name="garbage", threshold=0.3),
            CardClass(id=1, name="pothole", threshold=0.4),
        ),
        input=ModelInput(size=640, rectangular=True),
        output=ModelOutput(head="end_to_end"),
    )
    return {**card.model_dump(mode="json"), **changes}


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@given(card=cards)
def test_a_card_reads_back_as_it_was_written(card: Card) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.json"
        write_card(card, path)
        assert read_card(path) == card


def test_the_address_names_the_bytes(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, fields()))
    assert card.address == "street-n-1@abababababab"
    assert card.class_names == ("garbage", "pothole")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"treshold": 0.5}, "treshold: Extra inputs are not permitted"),
        ({"format": 2}, "format: Input should be 1"),
        ({"name": "Street N"}, "name: String should match"),
        ({"onnx_sha256": "abc"}, "onnx_sha256: String should match"),
        ({"classes": []}, "classes: Tuple should have at least 1 item"),
        ({"input": {"size": 640}}, r"input\.rectangular: Field required"),
        ({"input": {"size": 32, "rectangular": True}}, r"input\.size: .*greater than or equal to 64"),
        ({"output": {"head": "one_to_many"}}, "output: .*nms_iou belongs to the one_to_many head"),
        ({"output": {"head": "end_to_end", "nms_iou": 0.5}}, "output: .*nms_iou belongs to the one_to_many"),
        ({"output": {"head": "one_to_many", "nms_iou": 1.5}}, r"output\.nms_iou: .*less than or equal to 1"),
        ({"output": {"head": "boxes"}}, r"output\.head: Input should be 'end_to_end' or 'one_to_many'"),
    ],
)
def test_a_wrong_card_is_refused_by_file_and_field(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    path = write(tmp_path, fields(**changes))
    with pytest.raises(CardError, match=complaint) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        ([(0, "garbage"), (2, "pothole")], "class ids must run from 0 without gaps, in order"),
        ([(1, "garbage"), (0, "pothole")], "class ids must run from 0 without gaps, in order"),
        ([(0, "garbage"), (1, "garbage")], "a class name is used twice"),
        ([(0, "garbage"), (1, "unicorn")], r"classes \['unicorn'\] are not in taxonomy version 1"),
    ],
)
def test_classes_must_be_contiguous_distinct_and_known(
    tmp_path: Path, classes: list[tuple[int, str]], complaint: str
) -> None:
    rows = [{"id": number, "name": name, "threshold": 0.5} for number, name in classes]
    with pytest.raises(CardError, match=complaint):
        read_card(write(tmp_path, fields(classes=rows)))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "high"])
def test_thresholds_are_shares(tmp_path: Path, threshold: object) -> None:
    rows = [{"id": 0, "name": "garbage", "threshold": threshold}]
    with pytest.raises(CardError, match=r"classes\.0\.threshold"):
        read_card(write(tmp_path, fields(classes=rows)))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(content)
    with pytest.raises(CardError, match=r"card\.json: "):
        read_card(path)


def test_a_missing_card_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"card\.json: the card cannot be read"):
        read_card(tmp_path / "card.json")
