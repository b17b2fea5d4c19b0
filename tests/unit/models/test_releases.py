"""A release is whole or refused, and the refusal says which file and what to do."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from streetsight.inference.session import Detector
from streetsight.models.card import Card, CardClass, ModelInput, ModelOutput, write_card
from streetsight.models.releases import Release, ReleaseError, current_name, list_releases, load_release

NO_MODEL = b"these bytes are no ONNX model"


def make_release(root: Path, name: str, onnx: bytes = NO_MODEL) -> Path:
    """A release whose card matches its file, although no runtime could run it."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(onnx)
    card = Card(
        name=name.strip("."),
        created=date(2026, 5, 6),
        architecture="none",
        licence="AGPL-3.0-or-later",
        onnx_sha256=hashlib.sha256(onnx).hexdigest(),
        taxonomy_version="1",
        classes=(CardClass(id=0, name="pothole", threshold=0.5),),
        input=ModelInput(size=64, rectangular=False),
        output=ModelOutput(head="end_to_end"),
    )
    write_card(card, folder / "card.json")
    return folder


def test_releases_load_by_name_by_folder_and_by_being_current(tmp_path: Path) -> None:
    folder = make_release(tmp_path, "first")
    make_release(tmp_path, "second")
    (tmp_path / "current").write_text("second\n", encoding="utf-8")

    assert load_release("first", (tmp_path,)).onnx == folder / "model.onnx"
    assert load_release(folder, (tmp_path / "elsewhere",)).card.name == "first"
    assert load_release(roots=(tmp_path,)).card.name == "second"
    assert current_name((tmp_path,)) == "second"


def test_releases_are_listed_in_order_without_drafts(tmp_path: Path) -> None:
    for name in ("b", "a", ".c.draft"):
        make_release(tmp_path, name)
    (tmp_path / "no-card").mkdir()
    assert list_releases((tmp_path,)) == ["a", "b"]
    assert list_releases((tmp_path / "absent",)) == []


def test_the_address_is_name_and_digest(tmp_path: Path) -> None:
    release = load_release(make_release(tmp_path, "first"))
    assert release.address == f"first@{hashlib.sha256(NO_MODEL).hexdigest()[:12]}"


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    make_release(tmp_path, "first")
    with pytest.raises(ReleaseError, match=r"no release named third and no such folder; .* first") as caught:
        load_release("third", (tmp_path,))
    assert "没有名为 third 的模型版本或文件夹;已有版本:first" in caught.value.say("zh")


def test_no_release_in_force_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="current: no release is in force"):
        load_release(roots=(tmp_path,))


def test_a_current_release_that_is_gone_is_said(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("gone\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"gone, the release in force, is not in .* roll back"):
        load_release(roots=(tmp_path,))


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    folder = make_release(tmp_path, "first")
    (folder / "model.onnx").unlink()
    with pytest.raises(ReleaseError, match=r"model\.onnx: the model file cannot be read .*; restore it"):
        load_release(folder)


def test_a_missing_card_is_said(tmp_path: Path) -> None:
    folder = make_release(tmp_path, "first")
    (folder / "card.json").unlink()
    with pytest.raises(ReleaseError, match=r"card\.json: the card cannot be read"):
        load_release(folder)


def test_a_model_of_another_card_is_said(tmp_path: Path) -> None:
    folder = make_release(tmp_path, "first")
    (folder / "model.onnx").write_bytes(NO_MODEL + b"!")
    actual = hashlib.sha256(NO_MODEL + b"!").hexdigest()[:12]
    expected = hashlib.sha256(NO_MODEL).hexdigest()[:12]
    with pytest.raises(ReleaseError, match=f"starts with {actual}, but the card describes {expected}"):
        load_release(folder)


def test_bytes_that_are_no_model_are_said_when_they_are_to_run(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"model\.onnx: not a usable ONNX model"):
        Detector(load_release(make_release(tmp_path, "first")))


def test_every_shipped_release_is_whole(release: Release) -> None:
    names = list_releases()
    assert current_name() in names
    assert {load_release(name).card.name for name in names} == set(names)
    assert release.card.name == current_name()
