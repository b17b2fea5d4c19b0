"""Where photos come from: every path a user may give, in order, none twice, none lost silently."""

import contextlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from streetsight.inference.reading import PhotoError
from streetsight.inference.sources import MAX_FILE_BYTES, NoPhotosError, PhotoSource, find_photos


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 120, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


PHOTO = photo()


@pytest.fixture
def patrol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as it comes from the field; the working folder is the one above."""
    for name in ("b.jpg", "A.JPG", "notes.txt", "day2/c.jpeg", "day2/deep/d.png", ".trash/e.jpg", "._b.jpg"):
        path = tmp_path / "patrol" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PHOTO)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "patrol"


def names(*paths: str) -> list[str]:
    return [source.name for source in find_photos(paths)]


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def outcome(source: PhotoSource) -> tuple[str, str]:
    """Reason code and message of a photo that cannot be read."""
    with pytest.raises(PhotoError) as caught:
        source.read()
    return caught.value.outcome, str(caught.value)


IN_FOLDER = ["patrol/A.JPG", "patrol/b.jpg", "patrol/day2/c.jpeg", "patrol/day2/deep/d.png"]


@pytest.mark.usefixtures("patrol")
@pytest.mark.parametrize(
    ("paths", "expected", "why"),
    [
        (["patrol"], IN_FOLDER, "all levels, hidden ones left out"),
        (["patrol/"], IN_FOLDER, "a slash changes nothing"),
        (["patrol/b.jpg"], ["patrol/b.jpg"], "one file"),
        (["patrol/notes.txt"], ["patrol/notes.txt"], "named outright: whatever its suffix"),
        (["patrol/.trash/e.jpg"], ["patrol/.trash/e.jpg"], "named outright: although hidden"),
        (["patrol/*.jpg"], ["patrol/b.jpg"], "a glob"),
        (["patrol/**/*.[jp]*"], IN_FOLDER[1:], "a glob over all levels"),
        (["patrol/day?"], IN_FOLDER[2:], "a glob that matches a folder"),
        (["patrol/day2", "patrol/b.jpg"], [*IN_FOLDER[2:], "patrol/b.jpg"], "in the order given"),
        (["patrol", "patrol/b.jpg", "patrol/*.jpg"], IN_FOLDER, "none twice"),
    ],
)  # fmt: skip
def test_paths(paths: list[str], expected: list[str], why: str) -> None:
    assert names(*paths) == expected


@pytest.mark.usefixtures("patrol")
def test_photos_are_read_when_their_turn_comes() -> None:
    sources = find_photos(["patrol"])
    Path("patrol/b.jpg").unlink()
    assert sources[0].read() == PHOTO
    assert outcome(sources[1])[0] == "unreadable"


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "road [1].jpg"
    path.write_bytes(PHOTO)
    assert names(str(path)) == [str(path)]


NOTHING = [
    ("empty", "no photos in this folder (looked for .jpg .jpeg .png .webp .heic .heif; found 0 other files)"),
    ("documents", "found 2 other files"),
    ("documents.zip", "no photos in this archive (looked for .jpg"),
    ("*.tiff", "no photo matches this pattern"),
    ("nowhere", "no such file or folder"),
]


@pytest.mark.parametrize(("path", "says"), NOTHING)
def test_a_path_without_photos_is_an_error(
    path: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("documents").mkdir()
    for name in ("a.docx", "b.txt"):
        (Path("documents") / name).write_bytes(b"text")
    archive(Path("documents.zip"), {"a.docx": b"text"})
    with pytest.raises(NoPhotosError) as caught:
        find_photos([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert caught.value.say("zh") != str(caught.value)


@pytest.mark.usefixtures("patrol")
def test_one_bad_path_is_not_hidden_by_good_ones() -> None:
    with pytest.raises(NoPhotosError, match="nowhere"):
        find_photos(["patrol", "nowhere"])


def test_archives(tmp_path: Path) -> None:
    entries = {"day2/c.jpg": PHOTO, "a.JPG": PHOTO, "readme.txt": b"", "__MACOSX/._a.jpg": b"", "day1/": b"",
               "街道/路口.png": PHOTO}  # fmt: skip
    path = archive(tmp_path / "patrol.zip", entries)
    sources = find_photos([str(path)])
    assert [source.name for source in sources] == [
        f"{path}/{name}" for name in ("a.JPG", "day2/c.jpg", "街道/路口.png")
    ]
    assert all(source.read() == PHOTO for source in sources)


def test_an_archive_is_known_by_its_content(tmp_path: Path) -> None:
    path = archive(tmp_path / "patrol.backup", {"a.jpg": PHOTO})
    assert names(str(path)) == [f"{path}/a.jpg"]


def test_an_encrypted_entry_costs_only_itself(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a.jpg": PHOTO, "b.jpg": PHOTO})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the directory's flag of the first entry
    data[6] |= 1
    path.write_bytes(bytes(data))
    first, second = find_photos([str(path)])
    assert outcome(first) == ("unreadable", f"the archive's entry cannot be read ({_reason(first)})")
    assert "encrypted" in outcome(first)[1]
    assert second.read() == PHOTO


def _reason(source: PhotoSource) -> str:
    return outcome(source)[1].split("(", 1)[1].removesuffix(")")


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("value", [0x00, 0xFF])
def test_a_damaged_entry_costs_only_itself(place: float, value: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 99, 4000, dtype=np.uint8).tobytes()
    path = archive(tmp_path / "x.zip", {"a.jpg": noise, "b.jpg": PHOTO})
    data = bytearray(path.read_bytes())
    length = data.index(b"PK\x03\x04", 10)
    at = 40 + int(place * (length - 60))
    data[at : at + 12] = bytes([value]) * 12
    path.write_bytes(bytes(data))
    first, second = find_photos([str(path)])
    assert outcome(first)[0] == "unreadable"
    assert second.read() == PHOTO


def test_a_lying_size_is_no_way_in(tmp_path: Path) -> None:
    """A zip may claim that an entry is small, or huge; neither may crash or fill the memory."""
    path = archive(tmp_path / "x.zip", {"a.jpg": PHOTO})
    directory = path.read_bytes().index(b"PK\x01\x02")
    for claimed in (1, 2**31):
        data = bytearray(path.read_bytes())
        data[directory + 24 : directory + 28] = struct.pack("<I", claimed)
        lying = tmp_path / f"{claimed}.zip"
        lying.write_bytes(bytes(data))
        (source,) = find_photos([str(lying)])
        with contextlib.suppress(PhotoError):
            assert len(source.read()) <= len(PHOTO)


@pytest.mark.parametrize("cut", [10, 40])
def test_a_damaged_archive_is_one_unreadable_thing(cut: int, tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a.jpg": PHOTO})
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    (source,) = find_photos([str(path)])
    assert source.name == str(path)


def test_an_archive_with_a_damaged_directory(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a.jpg": PHOTO})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"PK\x01\x02", b"PK??"))
    (source,) = find_photos([str(path)])
    assert outcome(source)[0] == "unreadable"


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # a hole: takes no space
    (source,) = find_photos([str(path)])
    assert outcome(source) == ("too_large", "the file has more than 512 MiB")


def test_a_link_to_nowhere_is_unreadable(patrol: Path) -> None:
    (patrol / "z.jpg").symlink_to("gone.jpg")
    (dangling,) = (source for source in find_photos(["patrol"]) if source.name == "patrol/z.jpg")
    assert outcome(dangling) == ("unreadable", "the file cannot be read (No such file or directory)")


def test_a_folder_named_like_a_photo_is_a_folder(patrol: Path) -> None:
    (patrol / "x.jpg").mkdir()
    (patrol / "x.jpg" / "inner.jpg").write_bytes(PHOTO)
    assert names("patrol")[-1] == "patrol/x.jpg/inner.jpg"


def test_names_in_another_encoding_can_be_written(tmp_path: Path) -> None:
    """A disc from a Chinese Windows has names in GBK; on Linux they are no UTF-8."""
    raw = str(tmp_path).encode() + b"/" + "路口.jpg".encode("gbk")
    try:
        Path(raw.decode("utf-8", "surrogateescape")).write_bytes(PHOTO)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (source,) = find_photos([str(tmp_path)])
    assert source.name.encode("utf-8")
    assert source.read() == PHOTO


def test_pictures_of_an_earlier_run_are_no_photos(tmp_path: Path) -> None:
    (tmp_path / "out" / "annotated").mkdir(parents=True)
    for name in ("a.jpg", "out/annotated/a.jpg", "outside.jpg"):
        (tmp_path / name).write_bytes(b"x")
    found = find_photos([str(tmp_path)], without=tmp_path / "out")
    assert [Path(each.name).name for each in found] == ["a.jpg", "outside.jpg"]
