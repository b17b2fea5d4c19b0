"""Archives from strangers: what is harmless is read, the rest is refused and never unpacked."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.datasets.formats import trees
from streetsight.datasets.formats.labels import ExchangeError, Unreadable
from streetsight.datasets.formats.trees import open_tree, read_text

Make = Callable[..., Path]
Run = Callable[..., Any]


def archive_of(path: Path, **entries: bytes | str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def add(path: Path, *infos: zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for info in infos:
            archive.writestr(info, b"content")
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """The archive with bytes of its directory changed, as no library writes them."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "C:/evil.txt", "..\\evil.txt"]
)
def test_an_entry_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = add(archive_of(tmp_path / "a.zip", ok="x"), zipfile.ZipInfo(name))
    with pytest.raises(ExchangeError, match="leads out of the archive"), open_tree(path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("passwd")
    info.external_attr = 0o120777 << 16
    path = add(archive_of(tmp_path / "a.zip"), info)
    with pytest.raises(ExchangeError, match="passwd is a link"), open_tree(path):
        pass


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", ab1="x", ab2="y")
    with (
        pytest.raises(ExchangeError, match="two entries are named ab1"),
        open_tree(patched(path, b"ab2", b"ab1")),
    ):
        pass


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", secret="x")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(bytes(data))
    with (
        pytest.raises(ExchangeError, match="secret is encrypted; unpack it with its password"),
        open_tree(path),
    ):
        pass


def test_a_bomb_that_declares_two_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "bomb.zip", **{"annotations.json": b"0" * 2**21})
    patched(path, struct.pack("<I", 2**21), struct.pack("<I", 2**31))
    with (
        pytest.raises(ExchangeError, match=r"claims to grow from 0\.0 to 2048 MiB: a zip bomb"),
        open_tree(path),
    ):
        pass


def test_many_small_bombs_are_one_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(6):
            archive.writestr(f"{index}.txt", b"0" * (60 * 2**20))
    with pytest.raises(ExchangeError, match="bomb"), open_tree(path):
        pass


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", a=b"0" * 2**20)
    patched(path, struct.pack("<I", 2**20), struct.pack("<I", 10))
    with open_tree(path) as tree, pytest.raises(Unreadable, match="the archive's entry cannot be read"):
        tree.read("a")


def test_more_than_the_limit_is_never_read(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", a=b"0" * 5000)
    with open_tree(path) as tree, pytest.raises(Unreadable, match="more than 0 MiB"):
        tree.read("a", limit=4999)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MAX_ENTRIES", 2)
    with (
        pytest.raises(ExchangeError, match="3 entries are more than 2"),
        open_tree(archive_of(tmp_path / "a.zip", a="", b="", c="")),
    ):
        pass


def test_a_damaged_archive_is_said(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", a="x" * 1000)
    damaged = path.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x07")
    path.write_bytes(damaged)
    with pytest.raises(ExchangeError, match=r"a\.zip: the archive is damaged"), open_tree(path):
        pass


def test_names_of_chinese_windows_are_read(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", **{"aaaa/bb.txt": "x"})
    raw = "街道/图.txt".encode("gbk")  # as long as the name in its place
    assert len(raw) == len("aaaa/bb.txt")
    with open_tree(patched(path, b"aaaa/bb.txt", raw)) as tree:
        assert tree.files == ("街道/图.txt",)
        assert tree.read("街道/图.txt") == b"x"


def test_what_systems_leave_behind_is_passed_over(tmp_path: Path) -> None:
    entries = {"__MACOSX/._a.jpg": "", "images/.DS_Store": "", "images/Thumbs.db": "", "images/a.jpg": ""}
    with open_tree(archive_of(tmp_path / "a.zip", **entries)) as tree:
        assert tree.files == ("images/a.jpg",)


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").touch()
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    with open_tree(tmp_path / "in") as tree:
        assert tree.files == ("a.txt",)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("街道".encode(), "街道"),
        ("街道".encode("utf-8-sig"), "街道"),
        ("街道".encode("gbk"), "街道"),
        ("街道".encode("utf-16"), "街道"),
        (b"\xff\xff\xff", None),
    ],
)
def test_texts_are_read_in_what_people_save_them(tmp_path: Path, data: bytes, text: str | None) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with open_tree(tmp_path) as tree:
        if text is None:
            with pytest.raises(Unreadable, match="save it as UTF-8"):
                read_text(tree, "a.txt")
        else:
            assert read_text(tree, "a.txt") == text


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("a.rar", "neither a folder nor a zip archive"), ("nowhere", "no such file or folder")],
)
def test_other_things_are_said(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ExchangeError, match=complaint), open_tree(tmp_path / name):
        pass


def test_a_bad_photo_in_an_archive_costs_no_neighbour(tmp_path: Path, photo: Make, import_from: Run) -> None:
    whole = photo(tmp_path / "a.jpg", (300, 200)).read_bytes()
    entries: dict[str, bytes | str] = {
        "images/good.jpg": whole, "labels/good.txt": "", "images/bad.jpg": whole[:-300], "labels/bad.txt": "",
        "data.yaml": "names: [garbage]",
    }  # fmt: skip
    found = import_from(archive_of(tmp_path / "in.zip", **entries))
    assert set(found.records) == {"good.jpg"}
    assert [file for file, _, _ in found.problems] == ["images/bad.jpg"]


def test_nothing_is_left_of_a_refused_archive(tmp_path: Path, import_from: Run) -> None:
    path = add(archive_of(tmp_path / "a.zip", **{"data.yaml": "names: [a]"}), zipfile.ZipInfo("../evil"))
    with pytest.raises(ExchangeError):
        import_from(path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]
