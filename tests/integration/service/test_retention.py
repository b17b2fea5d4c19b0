"""Photos expire by what rests on them, and nothing that is needed goes. On SQLite and PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from crossing import crossed
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.candidates.tables import Candidate, CandidateReport, CandidateSighting
from streetsight.service.devices.tables import Device
from streetsight.service.files.blobs import SHARDS, Blobs, digest_of
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.queue import enqueue
from streetsight.service.patrols.tables import Patrol
from streetsight.service.privacy.copies import open_copies
from streetsight.service.reports.tables import Report
from streetsight.service.retention.deletions import BeingDeleted, Doomed, carry_out, keep, mark
from streetsight.service.retention.evidence import leads_of
from streetsight.service.retention.holds import AlreadyReleased, PhotoLost, place_hold, release_hold
from streetsight.service.retention.rounds import Kind, Rounds
from streetsight.service.retention.sweeping import sweep_shard
from streetsight.service.retention.tables import BlobDeletion, RetentionRun
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

OLD = timedelta(days=400)
SignIn = Callable[..., TestClient]
Lead = Callable[..., str]


@pytest.fixture
def kept(database: Database, settings: Settings) -> Rounds:
    """Rounds that wait for nothing."""
    chosen = settings.model_copy(update={"retention_grace_hours": 0.0})
    return Rounds(database, open_blobs(settings), open_copies(settings), chosen)


@pytest.fixture
def waiting(kept: Rounds) -> Rounds:
    """Rounds that delete a day after they have hidden."""
    return Rounds(
        kept.database, kept.blobs, kept.copies,
        kept.settings.model_copy(update={"retention_grace_hours": 24.0}),
    )  # fmt: skip


def go(rounds: Rounds, kind: Kind = "retention") -> dict[str, int]:
    """A whole round; what it counted."""
    place = rounds.start(kind, "test")
    while place.stage != "done":
        place = rounds.step(place)
    with rounds.database.read() as session:
        run = session.get_one(RetentionRun, place.run_id)
        assert run.ended_at is not None
        return dict(run.counts)


def make_old(rounds: Rounds, age: timedelta = OLD) -> None:
    """Everything was long ago, all patrols are closed, and every frame has its bytes."""
    moment = now() - age
    with rounds.database.write() as session:
        session.execute(update(Patrol).values(closed_at=moment))
        session.execute(update(Frame).values(created_at=moment))
        for frame in session.scalars(select(Frame)):
            if not rounds.blobs.exists(frame.sha256):
                frame.sha256 = rounds.blobs.put(os.urandom(40))
                frame.size_bytes = 40


def there(rounds: Rounds) -> dict[str, bool]:
    """Whether a frame's bytes are there, by its id."""
    with rounds.database.read() as session:
        return {frame.id: rounds.blobs.exists(frame.sha256) for frame in session.scalars(select(Frame))}


def frames_of(rounds: Rounds, candidate_id: str) -> set[str]:
    """Frames that are evidence of a candidate."""
    with rounds.database.read() as session:
        found = leads_of(session, list(session.scalars(select(Frame))))
    return {
        frame_id for frame_id, rests in found.items() if candidate_id in {each.candidate_id for each in rests}
    }


def test_only_what_is_settled_and_old_goes(kept: Rounds, lead: Lead) -> None:
    long, lately = now() - timedelta(days=200), now() - timedelta(days=10)
    goes = [lead(state="rejected", decided_at=long), lead(state="gone", updated_at=long)]
    stays = [
        lead(state="open", updated_at=long),
        lead(state="confirmed", decided_at=long),
        lead(state="rejected", decided_at=lately),
        lead(state="gone", updated_at=lately),
    ]
    stays.append(lead(state="merged", merged_into_id=stays[1], decided_at=long))
    goes.append(lead(state="merged", merged_into_id=goes[0], decided_at=long))
    make_old(kept)
    assert kept.would_expire().counts == {"rejected": 6, "kept": 10}
    counts = go(kept)
    assert (counts["rejected"], counts["kept"], counts["deleted"]) == (6, 10, 6)
    left = there(kept)
    assert not any(left[frame] for each in goes for frame in frames_of(kept, each))
    assert all(left[frame] for each in stays for frame in frames_of(kept, each))
    assert "deleted" not in go(kept), "what is gone is gone once"


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_states_evidence_survives(kept: Rounds, lead: Lead, seed: int) -> None:
    """Frames shared by candidates of any states, at any age, held or not."""
    random = Random(seed)
    states = ("open", "confirmed", "rejected", "gone", "merged")
    ids: list[str] = []
    for _ in range(8):
        state = random.choice(states if ids else states[:4])
        moment = now() - timedelta(days=random.choice((1, 80, 100, 500)))
        into = random.choice(ids) if state == "merged" else None
        ids.append(lead(state=state, decided_at=moment, updated_at=moment, merged_into_id=into))
    with kept.database.write() as session:  # some sightings speak for a second candidate as well
        sightings = list(session.scalars(select(CandidateSighting.sighting_id)))
        for sighting, candidate in zip(random.sample(sightings, 4), random.sample(ids, 4), strict=True):
            session.merge(CandidateSighting(candidate_id=candidate, sighting_id=sighting))
    make_old(kept, timedelta(days=random.choice((20, 60, 400))))
    go(kept)
    left = there(kept)
    with kept.database.read() as session:
        rests = leads_of(session, list(session.scalars(select(Frame))))
    for frame, leads in rests.items():
        if any(each.state in ("open", "confirmed") for each in leads):
            assert left[frame]
    assert left


def test_context_goes_and_open_patrols_queues_and_holds_stay(kept: Rounds, lead: Lead) -> None:
    frames = [sorted(frames_of(kept, lead())) for _ in range(5)]
    with kept.database.write() as session:
        session.execute(delete(CandidateSighting))
        session.execute(delete(Candidate))
    make_old(kept)
    with kept.database.write() as session:
        patrols = [session.get_one(Frame, each[0]).patrol_id for each in frames]
        session.execute(update(Patrol).where(Patrol.id == patrols[1]).values(closed_at=None))
        session.execute(update(Frame).where(Frame.id == frames[2][0]).values(state="queued"))
        enqueue(session, "assemble", str(patrols[3]))
        place_hold(session, SYSTEM, f"frame/{frames[4][0]}", "court case 12")
    counts = go(kept)
    assert counts == {"context": 3, "kept": 7, "deleted": 3}
    left = there(kept)
    assert [[left[frame] for frame in each] for each in frames] == [
        [False, False], [True, True], [True, True], [True, True], [True, False],
    ]  # fmt: skip


def test_a_hold_on_a_candidate_keeps_all_of_it(kept: Rounds, lead: Lead) -> None:
    held, loose = (lead(state="rejected", decided_at=now() - OLD) for _ in range(2))
    make_old(kept)
    with kept.database.write() as session:
        hold = place_hold(session, SYSTEM, f"candidate/{held}", "appeal")
    go(kept)
    left = there(kept)
    assert all(left[each] for each in frames_of(kept, held))
    assert not any(left[each] for each in frames_of(kept, loose))
    with kept.database.write() as session:
        release_hold(session, SYSTEM, hold.id)
    go(kept)
    assert not any(there(kept).values())


def test_photos_of_reports_stay_until_they_are_sorted_out(kept: Rounds, lead: Lead) -> None:
    rejected = lead(state="rejected", decided_at=now() - OLD)
    waiting, dismissed, reported = (_lonely(kept) for _ in range(3))
    make_old(kept)
    usual = {"source": "citizen", "category": "x", "text": "y", "details": {}}
    with kept.database.write() as session:
        session.add(Report(**usual, ticket="1", frames=[waiting]))
        session.add(Report(**usual, ticket="2", frames=[dismissed], dismissed_at=now() - OLD))
        session.add(
            CandidateReport(
                candidate_id=rejected, source="citizen", condition="exposed_garbage", frame_ids=[reported]
            )
        )
    assert frames_of(kept, rejected) >= {reported}
    go(kept)
    left = there(kept)
    assert (left[waiting], left[dismissed], left[reported]) == (True, False, False)


def test_an_expired_photo_is_hidden_at_once_and_can_be_rescued(waiting: Rounds, lead: Lead) -> None:
    candidate, other = (lead(state="rejected", decided_at=now() - OLD) for _ in range(2))
    make_old(waiting)
    assert go(waiting)["rejected"] == 4
    with waiting.database.read() as session:
        frames = list(session.scalars(select(Frame)))
        assert all(frame.photo_expired_at and frame.photo_expired_reason == "rejected" for frame in frames)
    assert all(there(waiting).values()), "not deleted before its grace time is over"
    with waiting.database.write() as session:
        reopened = session.get_one(Candidate, candidate)
        reopened.state, reopened.decided_at = "open", None
        session.execute(update(BlobDeletion).values(marked_at=now() - timedelta(days=2)))
    counts = go(waiting)
    assert (counts["rescued"], counts["deleted"]) == (2, 2)
    left = there(waiting)
    assert all(left[each] for each in frames_of(waiting, candidate))
    assert not any(left[each] for each in frames_of(waiting, other))
    with waiting.database.read() as session:
        shown = {frame.id for frame in session.scalars(select(Frame).where(Frame.photo_expired_at.is_(None)))}
    assert shown == frames_of(waiting, candidate)


def test_a_hold_brings_back_what_was_only_hidden(waiting: Rounds, kept: Rounds, lead: Lead) -> None:
    frame = min(frames_of(waiting, lead(state="rejected", decided_at=now() - OLD)))
    make_old(waiting)
    go(waiting)
    with waiting.database.write() as session:
        hold = place_hold(session, SYSTEM, f"frame/{frame}", "appeal")
        assert session.get_one(Frame, frame).photo_expired_at is None
        release_hold(session, SYSTEM, hold.id)
        with pytest.raises(AlreadyReleased):
            release_hold(session, SYSTEM, hold.id)
    go(kept)
    with waiting.database.write() as session, pytest.raises(PhotoLost):
        place_hold(session, SYSTEM, f"frame/{frame}", "too late")


def test_copies_go_with_their_original(kept: Rounds, lead: Lead) -> None:
    lead(state="rejected", decided_at=now() - OLD)
    make_old(kept)
    with kept.database.read() as session:
        digests = list(session.scalars(select(Frame.sha256)))
    for sha256 in digests:
        kept.copies.put(sha256, "a.jpg", b"copy")
    go(kept)
    assert [kept.copies.get(sha256, "a.jpg") for sha256 in digests] == [None, None]


def test_a_round_that_was_cut_off_is_finished_by_the_next(
    kept: Rounds, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(state="rejected", decided_at=now() - OLD)
    make_old(kept)

    def killed(*_: object) -> None:
        raise RuntimeError("killed between the commit and the deletion")

    with monkeypatch.context() as broken:
        broken.setattr("streetsight.service.retention.expiring.carry_out", killed)
        with pytest.raises(RuntimeError):
            go(kept)
    assert all(there(kept).values())
    assert "deleted" not in go(kept), "somebody may be at it still"
    with kept.database.write() as session:
        session.execute(update(BlobDeletion).values(started_at=now() - timedelta(hours=2)))
    assert go(kept)["deleted"] == 2
    assert not any(there(kept).values())


def test_deletions_are_forgotten_in_the_end(kept: Rounds, lead: Lead) -> None:
    lead(state="rejected", decided_at=now() - OLD)
    make_old(kept)
    go(kept)
    with kept.database.write() as session:
        assert len(list(session.scalars(select(BlobDeletion)))) == 2
        session.execute(update(BlobDeletion).values(deleted_at=now() - timedelta(days=2)))
    go(kept)
    with kept.database.read() as session:
        assert not list(session.scalars(select(BlobDeletion)))


def test_stray_bytes_are_swept_and_young_or_named_ones_stay(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    copies = open_copies(settings)
    stray, named = blobs.put(b"stray"), blobs.put(b"named")
    with database.write() as session:
        _add_frame(session, named)
    earlier, later = now() - timedelta(days=1), now() + timedelta(minutes=1)

    def sweep(before: Any, **options: bool) -> int:
        return sum(
            sweep_shard(database, blobs, copies, shard, before, **options).orphans
            for shard in sorted({stray[:2], named[:2]})
        )

    assert sweep(earlier) == 0, "young: its row may be on the way"
    assert sweep(later, dry_run=True) == 1
    assert blobs.exists(stray)
    assert sweep(later) == 1
    assert (blobs.exists(stray), blobs.exists(named)) == (False, True)
    assert sweep(later) == 0


def test_storage_lists_what_it_holds(blobs: Blobs) -> None:
    digests = {blobs.put(os.urandom(10)) for _ in range(20)}
    found = [each for shard in SHARDS for each in blobs.stored(shard)]
    assert {each.sha256 for each in found} == digests
    assert {each.size_bytes for each in found} == {10}
    assert all(abs(each.put_at - now()) < timedelta(minutes=5) for each in found)


@pytest.mark.parametrize("moment", ["marked", "started", "deleted"])
def test_an_upload_of_bytes_that_are_being_deleted_loses_nothing(
    database: Database, blobs: Blobs, settings: Settings, moment: str
) -> None:
    """The upload has stored its bytes; then the sweep comes, so far; then the upload writes its row."""
    sha256 = blobs.put(b"photo")
    doomed = [Doomed(sha256, 5)]
    with database.write() as session:
        mark(session, doomed, "orphan", start=moment != "marked")
    if moment == "deleted":
        carry_out(database, blobs, open_copies(settings), doomed)
        assert not blobs.exists(sha256)
    if moment == "started":
        with database.write() as session, pytest.raises(BeingDeleted):
            keep(session, blobs, sha256, b"photo")
        carry_out(database, blobs, open_copies(settings), doomed)
    with database.write() as session:
        keep(session, blobs, sha256, b"photo")
        _add_frame(session, sha256)
    with database.read() as session:
        assert session.get(BlobDeletion, sha256) is None
    assert sweep_shard(database, blobs, open_copies(settings), sha256[:2], now() + OLD).orphans == 0
    assert blobs.get(sha256) == b"photo"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_upload_and_the_sweep_at_the_same_moment_lose_nothing(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    """Bytes of an upload that broke off long ago come again: the row is written while the sweep looks."""
    sha256 = blobs.put(b"photo")

    def write_row(session: WriteSession) -> None:
        _add_frame(session, sha256)
        keep(session, blobs, sha256, b"photo")

    def sweep() -> int:
        return sweep_shard(database, blobs, open_copies(settings), sha256[:2], now() + OLD).orphans

    _, swept = crossed(database, write_row, sweep)
    assert (swept.result(), blobs.exists(sha256)) == (0, True)


def test_uploads_go_through_that(client: TestClient, photos: list[bytes], kept: Rounds) -> None:
    """An upload whose bytes lay here as an orphan and were deleted between its storing and its row."""
    sha256 = digest_of(photos[0])
    kept.blobs.put(photos[0])
    with kept.database.write() as session:
        mark(session, [Doomed(sha256, len(photos[0]))], "orphan", start=True)
    refused = client.post("/v1/frames", files={"photo": ("a.jpg", photos[0])})
    assert (refused.status_code, refused.json()["code"]) == (503, "being_deleted")
    assert refused.headers["Retry-After"]
    carry_out(kept.database, kept.blobs, kept.copies, [Doomed(sha256, len(photos[0]))])
    assert client.post("/v1/frames", files={"photo": ("a.jpg", photos[0])}).status_code == 201
    assert kept.blobs.exists(sha256)


def test_workers_run_it_once_a_day(
    client: TestClient, work: Callable[[], Any], person: SignIn, lead: Lead, kept: Rounds
) -> None:
    lead(state="rejected", decided_at=now() - OLD)
    make_old(kept)
    work()
    admin = person(Role.ADMIN)
    runs = admin.get("/v1/retention/log").json()["items"]
    assert sorted(each["kind"] for each in runs) == ["retention", "sweep"]
    assert all(each["ended_at"] and each["started_by"] == "worker" for each in runs)
    assert {"rejected": 2} in [each["counts"] for each in runs]
    assert all(each["cutoffs"] for each in runs)
    work()
    assert len(admin.get("/v1/retention/log").json()["items"]) == 2
    with kept.database.write() as session:
        session.execute(update(RetentionRun).values(created_at=now() - timedelta(days=2)))
    work()
    assert len(admin.get("/v1/retention/log").json()["items"]) == 4


def test_holds_over_http(person: SignIn, lead: Lead) -> None:
    admin, candidate = person(Role.ADMIN), lead()
    placed = admin.post("/v1/retention/holds", json={"subject": f"candidate/{candidate}", "reason": "appeal"})
    assert placed.status_code == 201
    assert admin.get("/v1/retention/holds").json()["items"][0]["reason"] == "appeal"
    released = admin.post(f"/v1/retention/holds/{placed.json()['id']}/release")
    assert released.json()["released_by"] == released.json()["placed_by"]
    assert admin.get("/v1/retention/holds").json()["items"] == []
    assert len(admin.get("/v1/retention/holds?in_force=false").json()["items"]) == 1
    again = admin.post(f"/v1/retention/holds/{placed.json()['id']}/release")
    assert (again.status_code, again.json()["code"]) == (409, "hold_released")
    nobody = {"subject": f"frame/{candidate}", "reason": "x"}
    assert admin.post("/v1/retention/holds", json=nobody).json()["code"] == "no_hold"
    wrong = {"subject": "patrol/1", "reason": "x"}
    assert admin.post("/v1/retention/holds", json=wrong).status_code == 422
    assert person(Role.ANALYST).post("/v1/retention/holds", json=nobody).status_code == 403
    actions = {each["action"] for each in admin.get("/v1/audit").json()["items"]}
    assert {"hold.placed", "hold.released"} <= actions


def test_the_command_says_what_would_go_and_does_it(kept: Rounds, lead: Lead) -> None:
    lead(state="rejected", decided_at=now() - OLD)
    make_old(kept)
    stray = kept.blobs.put(b"stray")
    dry = command(kept, "run", "--dry-run", "--json")
    assert json.loads(dry) == {"dry_run": True, "counts": {"rejected": 2}, "bytes": 80}
    assert all(there(kept).values())
    assert json.loads(command(kept, "run", "--json"))["counts"] == {"rejected": 2, "deleted": 2}
    assert not any(there(kept).values())
    assert "would be freed" in command(kept, "sweep", "--dry-run")
    assert kept.blobs.exists(stray)
    assert "0 字节" in command(kept, "sweep", "--lang", "zh")
    assert kept.blobs.exists(stray), "young"
    kinds = [json.loads(line)["kind"] for line in command(kept, "log").splitlines()]
    assert kinds == ["sweep", "retention"]


def command(rounds: Rounds, *arguments: str) -> str:
    environment = {
        **os.environ, "STREETSIGHT_DATA_FOLDER": str(rounds.settings.data_folder),
        "STREETSIGHT_DATABASE_URL": rounds.settings.database, "STREETSIGHT_RETENTION_GRACE_HOURS": "0",
        "STREETSIGHT_LANG": "en",
    }  # fmt: skip
    answer = subprocess.run(
        [sys.executable, "-m", "streetsight", "retention", *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def _add_frame(session: WriteSession, sha256: str) -> str:
    device = Device(name=f"car-{os.urandom(4).hex()}")
    session.add(device)
    session.flush()
    frame = Frame(
        sha256=sha256, size_bytes=5, media_type="image/jpeg", device_id=device.id, state="detected",
        metadata_sent={},
    )  # fmt: skip
    session.add(frame)
    session.flush()
    return frame.id


def _lonely(rounds: Rounds) -> str:
    """A frame of no patrol."""
    with rounds.database.write() as session:
        return _add_frame(session, os.urandom(32).hex())
