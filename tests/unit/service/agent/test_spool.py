"""The spool: who goes first when it is full, what a power cut leaves, and what a bad disk is told as."""

import contextlib
import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import SpoolError, SpoolFull
from streetsight.service.agent.opening import held
from streetsight.service.agent.settings import SpoolSettings
from streetsight.service.agent.spool import Looked, Spool
from streetsight.service.agent.status import lines, read_status
from streetsight.service.agent.troubles import Trouble

ROOMY = SpoolSettings(min_free_bytes=0)  # type: ignore[arg-type]
SIZE = 100


def photo(number: int, size: int = SIZE) -> bytes:
    return f"{number:06}".encode().ljust(size, b".")


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "spool.sqlite")) as database:
        return database.execute(query).fetchall()


def keep(spool: Spool, number: int, looked: Looked | None) -> bool:
    return spool.keep(photo(number), f"{number}.jpg", {}, spool.outings.current(3600), looked)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["plain", "thinned", "detected", "new"]), st.sampled_from([None, "sent", "refused"])
    ),
    min_size=5, max_size=40,
)  # fmt: skip


@settings(max_examples=25)
@given(acts=ACTS, room=st.integers(2, 6))
def test_no_frame_goes_while_one_is_left_that_goes_before_it(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str | None]], room: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, lambda: SpoolSettings(max_bytes=room * SIZE, min_free_bytes=0))  # type: ignore[arg-type]
    looked = {"plain": Looked(0), "thinned": Looked(0, thinned=True), "detected": Looked(2), "new": None}
    for number, (kind, end) in enumerate(acts):
        before = {row[0]: row[1:] for row in rows(folder, "SELECT id, rank FROM frames WHERE present")}
        evicted_before = len(rows(folder, "SELECT id FROM evictions"))
        try:
            assert keep(spool, number, looked[kind])
        except SpoolFull:
            assert kind != "detected", (
                "there is always something that goes before a detection, or an older one"
            )
            own = 2 if kind == "thinned" else 3
            assert sum(rank[0] <= own for rank in before.values()) * SIZE < SIZE, "others would have done"
            assert len(rows(folder, "SELECT id FROM evictions")) == evicted_before
            continue
        left = {row[0]: row[1:] for row in rows(folder, "SELECT id, rank FROM frames WHERE present")}
        gone = {each: before[each] for each in before if each not in left}
        for each, rank in gone.items():
            assert all((rank, each) < (other, id_) for id_, other in left.items() if id_ in before)
        assert len(rows(folder, "SELECT id FROM evictions")) - evicted_before == len(gone)
        assert sum(path.stat().st_size for path in (folder / "photos").glob("*/*")) <= room * SIZE
        if end:
            ((newest,),) = rows(folder, "SELECT max(id) FROM frames")
            spool.mark(newest, end, reason="because")
    spool.close()
    present = {row[0] for row in rows(folder, "SELECT taken_sha256 FROM frames WHERE present")}
    assert {path.stem for path in (folder / "photos").glob("*/*")} == present
    again = Spool(folder, lambda: ROOMY)
    assert {row[0] for row in rows(folder, "SELECT taken_sha256 FROM frames WHERE present")} == present
    again.close()


def test_frames_with_detections_are_sent_first_and_thinned_ones_only_if_asked_for(spool: Spool) -> None:
    for number, looked in enumerate(
        [Looked(0), Looked(0, thinned=True), Looked(1), Looked(0), Looked(3), None]
    ):
        keep(spool, number, looked)
    assert [each.name for each in spool.waiting(10)] == ["2.jpg", "4.jpg", "0.jpg", "3.jpg"]
    assert [each.name for each in spool.waiting(10, besides=[3], thinned=True)] == [
        "4.jpg", "0.jpg", "1.jpg", "3.jpg"
    ]  # fmt: skip
    assert spool.left_to_send() == 5
    assert not keep(spool, 0, None), "the same bytes are one frame"


def test_what_a_crash_left_is_removed_and_what_somebody_took_away_is_logged(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, lambda: ROOMY)
    for number in range(3):
        keep(spool, number, Looked(0))
    spool.close()
    orphan = folder / "photos" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"without a row")
    draft = orphan.with_name(f".{'cd' * 32}.draft")
    draft.write_bytes(b"half")
    lost = hashlib.sha256(photo(1)).hexdigest()
    (folder / "photos" / lost[:2] / f"{lost}.jpg").unlink()
    spool = Spool(folder, lambda: ROOMY)
    assert not orphan.exists()
    assert not draft.exists()
    assert rows(folder, "SELECT taken_sha256, reason FROM evictions") == [(lost, "the file is gone")]
    (first,) = spool.waiting(1)
    (folder / "photos" / first.file).write_bytes(b"rotten")
    assert spool.photo(first) is None
    assert rows(folder, "SELECT state FROM frames WHERE id = 1") == [("refused",)]
    spool.close()


def test_a_spool_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    Spool(tmp_path, lambda: ROOMY).close()
    with closing(sqlite3.connect(tmp_path / "spool.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    before = (tmp_path / "spool.sqlite").read_bytes()
    for look in (lambda: Spool(tmp_path, lambda: ROOMY), lambda: read_status(tmp_path)):
        with pytest.raises(SpoolError, match="newer version"):
            look()
    assert (tmp_path / "spool.sqlite").read_bytes() == before


def test_the_photos_of_a_damaged_spool_outlive_it(tmp_path: Path) -> None:
    """As its message says: the database away, the agent begun anew, and the photos sent from a folder."""
    spool = Spool(tmp_path, lambda: ROOMY)
    keep(spool, 1, None)
    keep(spool, 2, Looked(1, redacted=b"covered"))
    spool.close()
    (tmp_path / "spool.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SpoolError, match=r"Move its files spool.sqlite\* away .* photos are whole"):
        Spool(tmp_path, lambda: ROOMY)
    for file in tmp_path.glob("spool.sqlite*"):
        file.unlink()
    Spool(tmp_path, lambda: ROOMY).close()
    Spool(tmp_path, lambda: ROOMY).close()
    (aside,) = tmp_path.glob("photos-of-a-lost-spool-*")
    names = {path.name: path.read_bytes() for path in aside.glob("*/*")}
    assert sorted(names.values()) == sorted([photo(1), b"covered"])
    assert {name.rpartition(".")[2] for name in names} == {"jpg"}, (
        "a folder source takes them by their suffix"
    )


def test_what_must_be_covered_is_not_given_out_before_it_is(tmp_path: Path) -> None:
    """Also what was taken while it might have left as it was, and what was set out to be sent in pieces."""
    must = [False]
    spool = Spool(tmp_path, lambda: ROOMY, only_covered=lambda: must[0])
    for number, looked in enumerate([Looked(0), Looked(1, redacted=b"covered"), None]):
        keep(spool, number, looked)
    spool.mark(1, "waiting", upload_url="/begun")
    assert [each.name for each in spool.waiting(9, thinned=True)] == ["1.jpg", "0.jpg"]
    must[0] = True
    assert [each.name for each in spool.waiting(9, thinned=True)] == ["1.jpg"]
    (first,) = [spool.next_new()]
    assert first is not None
    assert first.name == "0.jpg"
    spool.replace(first, Looked(0, redacted=b"this one too"))
    assert [(each.name, each.upload_url) for each in spool.waiting(9)] == [("1.jpg", None), ("0.jpg", None)]
    last = spool.next_new()
    assert last is not None
    assert last.name == "2.jpg"
    must[0] = False
    spool.let_go()
    assert spool.next_new() is None
    assert [each.name for each in spool.waiting(9)] == ["1.jpg", "0.jpg", "2.jpg"]
    spool.close()


def test_a_photo_that_is_larger_than_the_spool_is_told_as_that(tmp_path: Path) -> None:
    spool = Spool(tmp_path, lambda: SpoolSettings(max_bytes=SIZE, min_free_bytes=0))  # type: ignore[arg-type]
    with pytest.raises(SpoolFull, match=r"larger than|of 101 bytes .* may have 100"):
        spool.keep(photo(1, SIZE + 1), "1.jpg", {}, spool.outings.current(3600), Looked(0))
    spool.close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(SpoolError, match="another agent"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a file system of its own, of six megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def mount(*options: str) -> Path:
        folder = mounted[0] if mounted else tmp_path / "disk"
        folder.mkdir(exist_ok=True)
        said = ",".join(("size=6m", *options))
        words = [
            "mount",
            *(["-o", f"remount,{said}", "tmpfs"] if mounted else ["-t", "tmpfs", "-o", said, "tmpfs"]),
        ]
        answer = subprocess.run([*words, str(folder)], check=False, capture_output=True)
        if answer.returncode:
            pytest.skip(f"no disk can be mounted here: {answer.stderr.decode()}")
        if not mounted:
            mounted.append(folder)
        return folder

    yield mount
    for each in mounted:
        subprocess.run(["umount", "--lazy", str(each)], check=True)


def fill(path: Path) -> None:
    """Until nothing more goes on the disk."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_disk_that_somebody_else_filled_makes_room_by_evicting(small_disk: Callable[..., Path]) -> None:
    folder = small_disk()
    spool = Spool(folder / "spool", lambda: ROOMY)
    for number in range(40):
        patrol = spool.outings.current(3600)
        spool.keep(photo(number, 50_000), f"{number}.jpg", {}, patrol, Looked(number % 2))
    fill(folder / "theirs")
    spool.keep(photo(50, 50_000), "50.jpg", {}, spool.outings.current(3600), Looked(1))
    gone = rows(folder / "spool", "SELECT detections, reason FROM evictions")
    assert gone
    assert set(gone) == {(0, "room")}
    kept = rows(folder / "spool", "SELECT taken_sha256 FROM frames WHERE present AND detections")
    assert len(kept) == 21
    spool.close()


def test_a_read_only_spool_says_so(small_disk: Callable[..., Path]) -> None:
    folder = small_disk()
    spool = Spool(folder / "spool", lambda: ROOMY)
    keep(spool, 1, None)
    spool.close()
    small_disk("ro")
    for attempt in (
        lambda: Spool(folder / "spool", lambda: ROOMY),
        lambda: held(folder / "spool").__enter__(),
    ):
        with pytest.raises(SpoolError, match="writable") as caught:
            attempt()
        assert not isinstance(caught.value, SpoolFull)


def test_the_status_tells_what_is_there(spool: Spool) -> None:
    for number, looked in enumerate([Looked(0), Looked(2), Looked(0, thinned=True), None]):
        keep(spool, number, looked)
    spool.mark(1, "refused", reason="not a picture")
    spool.note(clock_offset_s=1.5, troubles=[Trouble("camera x", SpokenError("y")).kept()])
    found = read_status(spool.folder)
    assert found.frames == {"new": 1, "refused": 1, "thinned": 1, "waiting": 1}
    assert found.with_detections == 1
    said = "\n".join(lines(found, "zh"))
    assert "not a picture" in said
    assert "camera x: y" in said
    assert spool.retry() == 1
    assert read_status(spool.folder).frames["waiting"] == 2


def test_where_no_agent_has_run_there_is_no_status(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="has no spool"):
        read_status(tmp_path)
