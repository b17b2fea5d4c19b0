from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from streetsight.inference.video.container import misses_end, read_camera, read_creation

CHINA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("tags", "created"),
    [
        ({"creation_time": "2026-05-06T00:30:00.000000Z"}, datetime(2026, 5, 6, 0, 30, tzinfo=UTC)),
        (
            {"creation_time": "2026-05-06 08:30:00"},
            datetime(2026, 5, 6, 8, 30),
        ),  # AVI: no offset, none made up
        (
            {
                "creation_time": "2026-05-06T00:30:07Z",
                "com.apple.quicktime.creationdate": "2026-05-06T08:30:00+0800",
            },
            datetime(2026, 5, 6, 8, 30, tzinfo=CHINA),
        ),
    ],
)
def test_creation_time_keeps_its_offset(tags: dict[str, str], created: datetime) -> None:
    found, problems = read_creation(tags)
    assert found == created
    assert found.utcoffset() == created.utcoffset()
    assert not problems


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({}, "does not say when"),
        ({"creation_time": "yesterday"}, "unusable: 'yesterday'"),
        ({"creation_time": "1970-01-01T00:00:09Z"}, "clock was never set"),
        ({"creation_time": "1904-01-01T00:00:00Z"}, "clock was never set"),
    ],
)
def test_a_creation_time_that_cannot_be_used_is_none_and_said(tags: dict[str, str], said: str) -> None:
    created, problems = read_creation(tags)
    assert created is None
    assert len(problems) == 1
    assert said in problems[0]


def test_camera_is_make_and_model() -> None:
    assert read_camera({"make": "Maker", "com.apple.quicktime.model": "M 1"}) == "Maker M 1"
    assert read_camera({}) is None


def box(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return (len(content) + 8 if size is None else size).to_bytes(4, "big") + kind + content


HEAD, INDEX, DATA = box(b"ftyp", b"isom" * 2), box(b"moov", b"x" * 40), box(b"mdat", b"y" * 100)
LONG = (1).to_bytes(4, "big") + b"mdat" + (116).to_bytes(8, "big") + b"y" * 100
RIFF = b"RIFF" + (104).to_bytes(4, "little") + b"AVI " + b"z" * 100


@pytest.mark.parametrize(
    ("content", "misses"),
    [
        (HEAD + INDEX + DATA, False),
        (HEAD + DATA + INDEX, False),
        (HEAD + LONG + INDEX, False),  # a box of 64 bits
        (HEAD + INDEX + DATA[:-1], True),
        (HEAD + LONG[:-1], True),
        (HEAD + DATA, True),  # the index comes last, and did not
        (HEAD + box(b"mdat", b"y" * 100, size=0), True),  # a box that was never closed
        (HEAD + INDEX + DATA + b"appended by the maker", False),
        (RIFF, False),
        (RIFF[:-1], True),
        (b"", False),
        (b"\x47" * 200, False),  # a transport stream has no end
    ],
)
def test_what_misses_its_end(tmp_path: Path, content: bytes, misses: bool) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content)
    assert misses_end(path) is misses
