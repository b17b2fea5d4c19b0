"""An archive looked at with another release: beside what is in force, to its end however often it is killed,
compared, then switched by a person."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from archives import fill, found, varied
from rows import write_lead
from sqlalchemy import func, select, update
from typer.testing import CliRunner
from waiting import wait_for

from streetsight.cli import app
from streetsight.models.releases import load_release
from streetsight.service.assembling.arming import KIND as ASSEMBLE
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.candidates.tables import Candidate
from streetsight.service.detections.looking import LocalEngine, Looker
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import spread
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.tables import Job
from streetsight.service.reprocessing.comparing import compare
from streetsight.service.reprocessing.frames import Archive
from streetsight.service.reprocessing.running import TRIES, Answer, Report, look_here, reprocess
from streetsight.service.reprocessing.switching import NotInForce, NotWhole, switch
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

OTHER = "street-n-2"
FRAMES = 12
Work = Callable[[], object]


@pytest.fixture
def archive(settings: Settings, photos: list[bytes], work: Work) -> Archive:
    """A patrol that was detected and assembled with the release in force."""
    settings.data_folder.mkdir(exist_ok=True)
    with open_database(settings) as database:
        fill(database, open_blobs(settings), varied(photos, FRAMES))
    work()
    return Archive(load_release(OTHER).address)


@pytest.fixture(scope="module")
def other() -> Looker:
    return Looker(load_release(OTHER), "cpu", calls=2, threads=1)


def run(
    database: Database,
    archive: Archive,
    looks: Callable[[Sequence[str]], Iterable[tuple[str, Answer]]],
) -> Report:
    return reprocess(database, archive, load_release(OTHER), looks, wait=lambda seconds: None, stretch=5)


def in_force(database: Database) -> dict[str, str | None]:
    with database.read() as session:
        return {row.id: row.result_id for row in session.execute(select(Frame.id, Frame.result_id))}


def test_results_are_written_once_beside_those_in_force(
    archive: Archive, settings: Settings, other: Looker
) -> None:
    with open_database(settings) as database:
        looks = look_here(LocalEngine(other, open_blobs(settings)))
        before, ours = in_force(database), found(database)
        assert run(database, archive, looks) == Report(written=FRAMES)
        assert run(database, archive, looks) == Report()
        assert in_force(database) == before
        assert found(database, load_release().address) == ours
        theirs = found(database, archive.address)
        assert len(theirs) == FRAMES
        assert {row[2] for row in theirs} == {"accepted", "truncated"}


@pytest.mark.parametrize("answers", [0, 1, 7])
def test_a_run_that_was_broken_off_goes_on(
    archive: Archive, settings: Settings, other: Looker, answers: int
) -> None:
    left = answers

    def broken_off(keys: Sequence[str]) -> Iterable[tuple[str, Answer]]:
        nonlocal left
        for pair in whole(keys):
            if not left:
                raise KeyboardInterrupt
            left -= 1
            yield pair

    with open_database(settings) as database:
        whole = look_here(LocalEngine(other, open_blobs(settings)))
        with pytest.raises(KeyboardInterrupt):
            run(database, archive, broken_off)
        assert run(database, archive, whole).written <= FRAMES
        assert len(found(database, archive.address)) == FRAMES


def test_what_does_not_answer_is_asked_again_and_the_rest_goes_on(
    archive: Archive, settings: Settings, other: Looker
) -> None:
    asked = list[int]()

    def flaky(keys: Sequence[str]) -> Iterable[tuple[str, Answer]]:
        asked.append(len(keys))
        answers = [*whole(keys)]
        yield from answers[:1]
        yield from answers[:1]  # told twice
        yield from ((key, Unavailable("the storage does not answer")) for key, _ in answers[1:2])

    with open_database(settings) as database:
        whole = look_here(LocalEngine(other, open_blobs(settings)))
        assert run(database, archive, flaky) == Report(written=FRAMES)
        assert asked == [5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 2, 1]


def test_a_storage_that_stays_away_ends_the_run_and_loses_nothing(
    archive: Archive, settings: Settings, other: Looker
) -> None:
    asked = list[int]()

    def away(keys: Sequence[str]) -> Iterable[tuple[str, Answer]]:
        asked.append(len(keys))
        if len(keys) < 5:
            raise Unavailable("the storage does not answer")
        yield from [*whole(keys)][:2]

    with open_database(settings) as database:
        whole = look_here(LocalEngine(other, open_blobs(settings)))
        with pytest.raises(Unavailable, match="the storage does not answer"):
            run(database, archive, away)
        assert asked == [5] + [3] * TRIES
        assert len(found(database, archive.address)) == 2


def test_photos_that_are_gone_or_fail_cost_no_neighbour(
    archive: Archive, settings: Settings, other: Looker
) -> None:
    with open_database(settings) as database:
        blobs = open_blobs(settings)
        with database.read() as session:
            first, second = session.scalars(select(Frame.sha256).order_by(Frame.id).limit(2))
        blobs.delete(first)

        def looks(keys: Sequence[str]) -> Iterable[tuple[str, Answer]]:
            for key, answer in look_here(LocalEngine(other, blobs))(keys):
                yield key, RuntimeError("a bug") if key == second else answer

        assert run(database, archive, looks) == Report(FRAMES - 2, 1, {second: "a bug"})


def test_the_comparison_counts_what_appears_and_what_goes(
    archive: Archive, settings: Settings, other: Looker
) -> None:
    with open_database(settings) as database:
        assert compare(database, archive).missing == FRAMES
        run(database, archive, look_here(LocalEngine(other, open_blobs(settings))))
        compared = compare(database, archive)
        rows = {
            release: boxes_by_class(database, release)
            for release in (load_release().address, archive.address)
        }
        assert (compared.frames, compared.missing, compared.outcomes_changed) == (FRAMES, 0, 0)
        assert [compared.before, compared.after] == [*rows.values()]
        assert sum(compared.before.values())
        assert compared.before - compared.gone == compared.after - compared.new
        with database.write() as session:  # as if the release saw nothing on one frame, and failed on another
            boxes = session.scalars(
                select(Detection)
                .join(Result, Result.id == Detection.result_id)
                .where(Result.release == archive.address)
            ).all()
            blind = boxes[0].frame_id
            for box in boxes:
                if box.frame_id == blind:
                    session.delete(box)
            failed = update(Result).where(Result.release == archive.address, Result.outcome == "truncated")
            session.execute(failed.values(outcome="invalid_image"))
        again = compare(database, archive)
        assert again.outcomes_changed == 1
        assert again.differing >= 2
        (shown,) = [each for each in again.biggest if each["frame"] == blind]
        assert not shown["new"]
        assert sum(shown["gone"].values()) == sum(
            box.frame_id == blind for box in boxes_of(database, load_release().address)
        )


def boxes_of(database: Database, release: str) -> Sequence[Detection]:
    with database.read() as session:
        query = select(Detection).join(Result, Result.id == Detection.result_id)
        return session.scalars(query.where(Result.release == release)).all()


def boxes_by_class(database: Database, release: str) -> Counter[str]:
    return Counter(box.class_name for box in boxes_of(database, release))


def test_a_switch_is_a_persons_act_and_leaves_what_people_decided(
    archive: Archive, settings: Settings, other: Looker, work: Work
) -> None:
    with open_database(settings) as database:
        before = in_force(database)
        with database.write() as session:
            decided = write_lead(session, 1, 2, {"state": "confirmed", "decided_at": now()}, [*before][:2])
        row = candidate(database, decided)
        with pytest.raises(NotInForce):
            switch(database, SYSTEM, archive, load_release().address, "better")
        with pytest.raises(NotWhole, match="12 frames are left"):
            switch(database, SYSTEM, archive, archive.address, "better")
        assert in_force(database) == before
        run(database, archive, look_here(LocalEngine(other, open_blobs(settings))))
        assert switch(database, SYSTEM, archive, archive.address, "better") == FRAMES
        assert switch(database, SYSTEM, archive, archive.address, "better") == 0
        with database.read() as session:
            jobs = session.scalar(select(func.count()).where(Job.kind == ASSEMBLE))
            entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "archive.switched")).one()
            query = select(Result.release).join(Frame, Frame.result_id == Result.id)
            releases = set(session.scalars(query.where(Frame.id.in_([*before]))))
        assert (jobs, releases) == (1, {archive.address})
        assert json.loads(entry.details) == {
            "release": archive.address, "filters": {}, "frames": FRAMES, "reason": "better",
        }  # fmt: skip
        work()
        assert candidate(database, decided) == row


def candidate(database: Database, candidate_id: str) -> dict[str, Any]:
    with database.read() as session:
        found = session.get_one(Candidate, candidate_id)
        return {column.name: getattr(found, column.name) for column in Candidate.__table__.columns}


@contextmanager
def one_that_hangs(settings: Settings, photo: bytes) -> Iterator[None]:
    """Its bytes do not come, so that nobody gets to the end of the archive; after it, they are not there."""
    path = settings.data_folder / "files" / spread(hashlib.sha256(photo).hexdigest())
    path.unlink()
    os.mkfifo(path)
    yield
    path.unlink()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_killed_command_goes_on_and_nothing_is_written_twice(
    settings: Settings, photos: list[bytes], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.data_folder.mkdir(exist_ok=True)
    frames, address = 120, load_release(OTHER).address
    for name, value in {"DATA_FOLDER": settings.data_folder, "DATABASE_URL": settings.database}.items():
        monkeypatch.setenv(f"STREETSIGHT_{name}", str(value))
    blobs, archive = open_blobs(settings), varied(photos, frames)
    with open_database(settings) as database:
        ids = fill(database, blobs, archive)
        with database.write() as session:  # as if the release in force had found nothing
            session.execute(update(Frame).values(state="detected"))
        _, last = max(zip(ids, archive, strict=True))
        with one_that_hangs(settings, last):
            command = [sys.executable, "-m", "streetsight", "reprocess", "--release", OTHER]
            killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            wait_for(lambda: found(database, address) or killed.poll() is not None)
            killed.kill()
            assert killed.wait() == -signal.SIGKILL
        blobs.put(last)
        assert 0 < len(found(database, address)) < frames
        answer = CliRunner().invoke(app, ["reprocess", "--release", OTHER, "--area", "/330106/"])
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout)["written"] < frames
        assert len(found(database, address)) == frames
    compared = CliRunner().invoke(app, ["reprocess", "compare", "--release", OTHER])
    assert json.loads(compared.stdout)["frames"] == 0  # nothing is in force that it could be compared with
    refused = CliRunner().invoke(app, ["reprocess", "switch", "--release", OTHER, "--reason", "better"])
    assert refused.exit_code == 2
    assert "put it in force first" in refused.output
    assert CliRunner().invoke(app, ["reprocess"]).exit_code == 2
    unknown = CliRunner().invoke(app, ["reprocess", "--release", "nobody"])
    assert "known releases" in unknown.output
