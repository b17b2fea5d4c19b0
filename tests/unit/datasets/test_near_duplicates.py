"""One picture in many files is found, other pictures are not, and the order never matters."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from streetsight.datasets.fingerprints import (
    Fingerprint,
    fingerprint_photos,
    pack,
    unpack,
)
from streetsight.datasets.near_duplicates import candidate_pairs, clusters, near_duplicates
from streetsight.datasets.photo_cache import PhotoCache

Picture = NDArray[np.uint8]


def scene(seed: int, size_wh: tuple[int, int] = (320, 240)) -> Picture:
    """A made-up picture with structure at all scales, as photos have."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.standard_normal((side, side)), size_wh, interpolation=cv2.INTER_CUBIC) / side**0.5
        for side in (4, 8, 16, 64)
    ]
    total = np.sum(layers, axis=0)
    grey = 128 + 60 * (total - total.mean()) / total.std()
    return np.asarray(np.clip(np.stack([grey] * 3, axis=-1), 0, 255), np.uint8)


def crop(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    return image.crop((round(share * width), 0, width, round((1 - share) * height)))


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda image: image,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "larger": lambda image: image.resize((image.width * 2, image.height * 2)),
    "squeezed": lambda image: image.resize((640, 640)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "cropped by 3 %": lambda image: crop(image, 0.03),
}


def prints_of(folder: Path) -> list[Fingerprint]:
    paths = sorted(folder.iterdir())
    found = fingerprint_photos({path: path.stem for path in paths})
    assert not found.faults
    return [found.of[path] for path in paths]


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory) -> list[Fingerprint]:
    """Twelve scenes and what became of each; the digest starts with the scene's number."""
    folder = tmp_path_factory.mktemp("altered")
    for seed in range(12):
        image = Image.fromarray(scene(seed))
        image.save(folder / f"{seed:02d} itself.jpg", quality=95)
        for name, change in ALTERED.items():
            change(image).save(folder / f"{seed:02d} {name}.jpg", quality=60)
    return prints_of(folder)


def test_what_became_of_a_picture_is_found_and_other_pictures_are_not(altered: list[Fingerprint]) -> None:
    joined = clusters(range(len(altered)), near_duplicates(altered))
    assert [{altered[index].sha256[:2] for index in some} for some in joined] == [
        {f"{seed:02d}"} for seed in range(12)
    ]


def test_only_pairs_with_a_wanted_photo_are_looked_for(altered: list[Fingerprint]) -> None:
    wanted = np.array([each.sha256 == "03 half" for each in altered])
    pairs = near_duplicates(altered, wanted)
    assert pairs
    assert all(wanted[i] or wanted[j] for i, j in pairs)
    assert {altered[each].sha256[:2] for pair in pairs for each in pair} == {"03"}


@given(data=st.data())
def test_the_order_of_photos_does_not_matter(altered: list[Fingerprint], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(altered), max_size=20, unique_by=lambda each: each.sha256))
    shuffled = data.draw(st.permutations(some))

    def found(prints: list[Fingerprint]) -> set[frozenset[str]]:
        joined = clusters([each.sha256 for each in prints], [])
        assert len(joined) == len(prints)
        pairs = [(prints[i].sha256, prints[j].sha256) for i, j in near_duplicates(prints)]
        return {frozenset(each) for each in clusters([each.sha256 for each in prints], pairs)}

    assert found(some) == found(shuffled)


def test_flat_pictures_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    for level in range(0, 250, 25):
        Image.new("RGB", (320, 240), (level, level, level)).save(tmp_path / f"{level:03d}.png")
    assert near_duplicates(prints_of(tmp_path)) == []


@given(
    hashes=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255), max_size=60),
    bits=st.integers(0, 12),
)
def test_candidates_are_all_pairs_within_the_distance(hashes: list[int], bits: int) -> None:
    pairs = {tuple(pair) for pair in candidate_pairs(np.array(hashes, np.uint64), bits).tolist()}
    size = range(len(hashes))
    assert pairs == {
        (i, j) for i in size for j in size if i < j and (hashes[i] ^ hashes[j]).bit_count() <= bits
    }


def test_candidates_are_found_across_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(0).integers(0, 64, 300).astype(np.uint64)
    whole = {tuple(pair) for pair in candidate_pairs(hashes, 1).tolist()}
    monkeypatch.setattr("streetsight.datasets.near_duplicates.TILE", 7)
    assert {tuple(pair) for pair in candidate_pairs(hashes, 1).tolist()} == whole


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60).flatmap(
        lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))
    )
)
def test_clusters_do_not_depend_on_the_order_of_pairs(
    drawn: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    one, other = ({frozenset(each) for each in clusters(range(31), pairs)} for pairs in drawn)
    assert one == other
    assert sorted(item for some in one for item in some) == list(range(31))
    assert all(any({i, j} <= some for some in one) for i, j in drawn[0])


def test_a_fingerprint_survives_the_cache(tmp_path: Path, altered: list[Fingerprint]) -> None:
    for each in altered[:5]:
        back = unpack(each.sha256, pack(each))
        assert (back.sha256, back.size_wh, back.phash) == (each.sha256, each.size_wh, each.phash)
        np.testing.assert_array_equal(back.grey, each.grey)
    path = tmp_path / "1.jpg"
    Image.fromarray(scene(1)).save(path)
    with PhotoCache(tmp_path) as cache:
        first = fingerprint_photos({path: "digest"}, cache).of[path]
        path.unlink()  # the second time nothing is decoded
        assert pack(fingerprint_photos({path: "digest"}, cache).of[path]) == pack(first)


def test_a_turned_photo_is_seen_upright(tmp_path: Path) -> None:
    upright = Image.fromarray(scene(2))
    upright.save(tmp_path / "1.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "2.jpg", exif=exif)
    straight, turned = prints_of(tmp_path)
    assert straight.size_wh == turned.size_wh == (320, 240)
    assert near_duplicates([straight, turned]) == [(0, 1)]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off"])
def test_a_photo_that_cannot_be_decoded_costs_only_itself(tmp_path: Path, content: bytes) -> None:
    bad, good = tmp_path / "bad.jpg", tmp_path / "good.jpg"
    bad.write_bytes(content)
    Image.fromarray(scene(3)).save(good)
    found = fingerprint_photos({bad: "a", good: "b"})
    assert list(found.of) == [good]
    assert list(found.faults) == [bad]
    assert found.faults[bad]


def test_a_photo_that_ends_too_early_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.fromarray(scene(4)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    assert fingerprint_photos({path: "a"}).faults
