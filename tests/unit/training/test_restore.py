"""A release becomes a network again that computes the same and carries measured statistics."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

import torch
from ultralytics.nn.modules import Conv

from streetsight.inference.backends import open_backend
from streetsight.models.card import Card, write_card
from streetsight.models.releases import CARD_NAME, Release, ReleaseError, load_release
from streetsight.models.taxonomy import Language
from streetsight.training.restore import restore_network, restore_statistics
from streetsight.training.start import StartError, open_start

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def release() -> Release:
    return load_release()


def inputs(count: int) -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    shapes = [(96, 128), (128, 64), (64, 64)]
    return [
        torch.from_numpy(rng.random((1, 3, *shapes[index % 3]), dtype=np.float32)) for index in range(count)
    ]


def test_it_computes_what_the_onnx_computes_before_and_after(release: Release) -> None:
    backend = open_backend("onnx", release.onnx, threads=1, calls=1)
    model, pictures = restore_network(release), inputs(4)
    expected = backend.run(pictures[0].numpy())
    for _ in range(2):
        with torch.no_grad():
            actual = model(pictures[0])[0].numpy()
        assert np.abs(actual[:, 4:] - expected[:, 4:]).max() < 1e-4
        assert np.abs(actual[:, :4] - expected[:, :4]).max() < 0.05
        restore_statistics(model, pictures)


def test_statistics_are_those_of_what_a_layer_sees(release: Release) -> None:
    model, pictures = restore_network(release), inputs(2)
    restore_statistics(model, pictures)
    first = next(module for module in model.modules() if isinstance(module, Conv))
    with torch.no_grad():
        seen = torch.cat([first.conv(each).transpose(0, 1).flatten(1) for each in pictures], dim=1)
    assert torch.allclose(first.bn.running_mean, seen.mean(1), atol=1e-4)
    assert torch.allclose(first.bn.running_var, seen.var(1, unbiased=False), rtol=1e-2, atol=1e-5)


def test_another_head_is_refused(release: Release, tmp_path: Path) -> None:
    output = release.card.output.model_copy(update={"head": "end_to_end", "nms_iou": None})
    other = Release(release.onnx, release.card.model_copy(update={"output": output}))
    with pytest.raises(ReleaseError, match="one_to_many"):
        restore_network(other)


@pytest.mark.parametrize(("language", "says"), [("en", "name the float32 release"), ("zh", "请指定")])
def test_an_int8_release_names_the_one_to_start_from(
    release: Release, tmp_path: Path, language: Language, says: str
) -> None:
    changes = {"name": "small", "precision": "int8", "quantised_from": release.address}
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(release.onnx, folder)
    write_card(Card.model_validate({**release.card.model_dump(), **changes}), folder / CARD_NAME)
    with pytest.raises(ReleaseError) as refused:
        open_start(str(folder), [], tmp_path / "run")
    assert refused.value.say(language).startswith("small")
    assert says in refused.value.say(language)
    assert refused.value.say(language).endswith(release.address)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_that_is_not_there_is_no_release_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"gone\.pt: no such checkpoint"):
        open_start(str(tmp_path / "gone.pt"), [], tmp_path / "run")
