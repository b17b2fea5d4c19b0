"""From detected frames to candidates: the same whatever the order, and what people decided stays."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossing import somebody_waits
from sqlalchemy import delete, func, insert, select, update
from waiting import wait_for

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.passes import (
    MONDAY,
    PassFrame,
    Vehicle,
    drive_past,
    straight_drive,
    straight_street,
)
from streetsight.datasets.simulation.street import Street, Thing
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.rules.settings import load_rules
from streetsight.models.language import SpokenError
from streetsight.models.releases import load_release
from streetsight.service.assembling.arming import KIND, frame_settled
from streetsight.service.assembling.job import AssembleJob
from streetsight.service.assembling.tables import Assembly
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.candidates import reports
from streetsight.service.candidates.claims import Claims
from streetsight.service.candidates.endings import end_place, restore_place
from streetsight.service.candidates.reports import add_report
from streetsight.service.candidates.tables import (
    Candidate,
    CandidateRecheck,
    CandidateReport,
    CandidateSighting,
)
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.decisions.service import Wish
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.devices.tables import Device
from streetsight.service.events.tables import Event
from streetsight.service.faults import Stale
from streetsight.service.files.local import LocalBlobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.queue import Backoff, claim, finish
from streetsight.service.jobs.tables import Job
from streetsight.service.patrols.service import close_idle
from streetsight.service.patrols.tables import Patrol
from streetsight.service.profiles.service import put_profile
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import FramePose, Sighting
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.writer import GroupWriter
from streetsight.service.worker import Worker

RELEASE = "tiny@0123456789ab"
LENGTH_M = 100.0
QUALITY = {
    "brightness": 120.0, "dark_share": 0.0, "bright_share": 0.0, "sharpness": 9.0, "detail": 0.9,
    "faults": [], "scorable": True,
}  # fmt: skip
WORLD = straight_street(3, LENGTH_M, neighbour_m=25)
CAR = Vehicle("car", Camera(), 6.0, 4.0)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A drive before it was uploaded: what the device saw, frame by frame."""

    patrol_id: str
    device_id: str
    frames: tuple[PassFrame, ...]


@dataclass(slots=True, eq=False)
class City:
    """A database, and what drives about in it."""

    database: Database
    settings: Settings
    photos: Path
    device_id: str = ""

    def drive(
        self, number: int = 0, start: datetime = MONDAY, things: Sequence[Thing] | None = None
    ) -> Recorded:
        """A drive along the street; nothing of it has arrived yet."""
        street = Street([], [*(WORLD.things if things is None else things)])
        run = drive_past(street, CAR, straight_drive(LENGTH_M, CAR.step_m), number, seed=3, start=start)
        with self.database.write() as session:
            if not self.device_id:
                device = Device(name=f"car-{new_id()[-6:]}")
                session.add(device)
                session.flush()
                self.device_id = device.id
                camera = {"hfov_deg": 70, "height_m": 1.8, "pitch_deg": 6}
                put_profile(session, SYSTEM, device.id, DeviceProfile.model_validate({"camera": camera}))
            patrol = Patrol(device_id=self.device_id, key=new_id())
            session.add(patrol)
            session.flush()
            return Recorded(patrol.id, self.device_id, run.frames)

    def arrive(self, recorded: Recorded, frames: Sequence[PassFrame] | None = None) -> None:
        """Frames are uploaded and detected, as the detect job leaves them."""
        for frame in recorded.frames if frames is None else frames:
            with self.database.write() as session:
                _detected(session, recorded, frame)
                frame_settled(session, recorded.patrol_id)

    def close(self, *recorded: Recorded) -> None:
        with self.database.write() as session:
            session.execute(update(Patrol).where(Patrol.closed_at.is_(None)).values(last_frame_at=MONDAY))
            close_idle(session, timedelta(0))

    def due(self) -> None:
        """Let no job wait any longer."""
        with self.database.write() as session:
            session.execute(update(Job).values(run_after=now()))

    def work(self) -> None:
        """Do all assemblies that are due; none may fail."""
        worker, writer = self.worker(), GroupWriter(self.database)
        while worker.turn(writer):
            pass
        writer.close()
        with self.database.read() as session:
            assert session.scalars(select(Job.last_error).where(Job.last_error.is_not(None))).all() == []

    def worker(self) -> Worker:
        job = AssembleJob(
            self.database, LocalBlobs(self.photos), load_rules(), lambda: load_release().card,
            self.settings.zone,
        )  # fmt: skip
        return Worker(self.database, [job], self.settings)

    def assembled(self, *recorded: Recorded) -> None:
        """Drives from beginning to end."""
        for each in recorded:
            self.arrive(each)
        self.close()
        self.work()

    def candidates(self, *states: str) -> list[Candidate]:
        with self.database.read() as session:
            found = select(Candidate).order_by(Candidate.condition, Candidate.lat, Candidate.id)
            return [each for each in session.scalars(found) if not states or each.state in states]

    def sightings_of(self, candidate: Candidate, late: bool) -> set[str]:
        with self.database.read() as session:
            return linked(session, candidate.id, late)


def linked(session: ReadSession, candidate_id: str, late: bool) -> set[str]:
    found = select(CandidateSighting.sighting_id).where(
        CandidateSighting.candidate_id == candidate_id, CandidateSighting.late == late
    )
    return set(session.scalars(found))


class Meanwhile(threading.Thread):
    """A person decides on another server. From `begin` on it has been done, or waits for who holds the lead.

    Attributes:
        refused: why nothing was decided.
    """

    def __init__(self, database: Database, wish: Wish) -> None:
        super().__init__(daemon=True)
        self._database, self._wish = database, wish
        self.refused: Exception | None = None

    def run(self) -> None:
        try:
            with self._database.write() as session:
                decisions.decide(session, SYSTEM, self._wish, UTC)
        except SpokenError as error:
            self.refused = error

    def begin(self) -> None:
        self.start()
        wait_for(lambda: not self.is_alive() or somebody_waits(self._database))


def _detected(session: WriteSession, recorded: Recorded, seen: PassFrame, release: str = RELEASE) -> None:
    frame_id = new_id()
    sha256 = f"{recorded.patrol_id.replace('-', '')}{seen.id.replace('-', ''):0>32}"
    position = {"lon": seen.lon, "lat": seen.lat, "source": "device", "heading_deg": seen.heading_deg}
    session.add(
        Frame(
            id=frame_id, sha256=sha256, size_bytes=1, media_type="image/jpeg", name=f"{seen.id}.jpg",
            device_id=recorded.device_id, patrol_id=recorded.patrol_id, state="detected",
            taken_at=seen.taken_at, lon=seen.lon, lat=seen.lat, position=position,
            metadata_sent={"taken_at": seen.taken_at.isoformat(), "position": position},
        )
    )  # fmt: skip
    session.flush()
    _look(session, frame_id, seen, release)


def _look(session: WriteSession, frame_id: str, seen: PassFrame, release: str, off_px: float = 0.0) -> None:
    """A result of a release, in force from now on; boxes a little off, as another release draws them."""
    result_id = new_id()
    session.add(
        Result(
            id=result_id, frame_id=frame_id, release=release, outcome="accepted", width=1280, height=720,
            quality=QUALITY, file_metadata={},
        )
    )  # fmt: skip
    session.flush()
    boxes = [each.box_xyxy_px for each in seen.seen]
    rows = [
        {
            "result_id": result_id, "number": number, "frame_id": frame_id, "class_name": each.class_name,
            "condition": None, "score": 0.8, "x1": box[0] + off_px, "y1": box[1], "x2": box[2] + off_px,
            "y2": box[3],
        }
        for number, (each, box) in enumerate(zip(seen.seen, boxes, strict=True))
    ]  # fmt: skip
    if rows:
        session.execute(insert(Detection), rows)
    session.execute(update(Frame).where(Frame.id == frame_id).values(result_id=result_id))


@pytest.fixture
def city(database: Database, settings: Settings, tmp_path: Path) -> City:
    return City(database, settings, tmp_path / "photos")


@pytest.fixture
def cities(settings: Settings, tmp_path: Path) -> Iterator[Callable[[str], City]]:
    """Further cities, to compare with; on SQLite."""
    from streetsight.service.store.migrating import migrate

    opened: list[Database] = []

    def city(name: str) -> City:
        database = Database(f"sqlite:///{tmp_path / name}.sqlite")
        migrate(database)
        opened.append(database)
        return City(database, settings, tmp_path / name)

    yield city
    for database in opened:
        database.close()


def with_twin(frame: PassFrame, thing_id: int, class_name: str) -> PassFrame:
    """A thing drawn as another class as well, wherever it is seen."""
    twins = [replace(each, class_name=class_name) for each in frame.seen if each.thing_id == thing_id]
    return replace(frame, seen=(*frame.seen, *twins))


def told(city: City) -> list[tuple[Any, ...]]:
    """What is there, without the ids that say when it came to be there."""
    with city.database.read() as session:
        rows = session.scalars(select(Candidate).where(Candidate.state.in_(("open", "gone"))))
        shown = [
            (
                each.condition, each.class_name, each.state, round(each.lon or 0, 9), round(each.lat or 0, 9),
                each.score, each.severity, each.sightings, each.frames, each.patrols, each.first_seen_at,
                each.last_seen_at, each.best_box, each.findings, len(linked(session, each.id, late=False)),
            )
            for each in rows
            if each.gone_because != "withdrawn"
        ]  # fmt: skip
    return sorted(shown, key=repr)


def test_any_order_of_arrival_gives_the_same_candidates(city: City, cities: Callable[[str], City]) -> None:
    straight = cities("straight")
    straight.assembled(straight.drive(0), straight.drive(1, MONDAY + DAY))
    expected = told(straight)
    assert len(expected) >= 5
    drives = [city.drive(0), city.drive(1, MONDAY + DAY)]
    chance = random.Random(5)
    frames = [(each, frame) for each in drives for frame in each.frames]
    chance.shuffle(frames)
    for number, (each, frame) in enumerate(frames):
        city.arrive(each, [frame])
        if number % 12 == 11:  # an assembly of what is there so far
            city.due()
            city.work()
    city.close()
    city.work()
    assert told(city) == expected
    for each in drives:  # and once more, for nothing
        with city.database.write() as session:
            frame_settled(session, each.patrol_id)
    city.due()
    before = [(each.id, each.version) for each in city.candidates()]
    city.work()
    assert told(city) == expected
    assert [(each.id, each.version) for each in city.candidates()] == before
    with city.database.read() as session:
        assert session.scalar(select(func.count()).where(Job.kind == KIND)) == 0
        links = set(session.scalars(select(CandidateSighting.sighting_id)))
        assert links <= set(session.scalars(select(Sighting.id)))


def test_what_is_drawn_as_two_classes_is_two_sightings_and_neither_speaks_for_the_other(city: City) -> None:
    """Frames that come late show the cover alone: it is tracked anew, and its damage is what it was."""
    recorded = city.drive()
    thing = next(each for each in WORLD.things if each.class_name == "damaged_manhole")
    frames = [with_twin(each, thing.id, "manhole") for each in recorded.frames]
    last = max(
        index for index, each in enumerate(frames) if len(each.seen) > len(recorded.frames[index].seen)
    )
    frames[last] = replace(
        frames[last], seen=tuple(each for each in frames[last].seen if each.class_name == "manhole")
    )
    city.arrive(recorded, frames[:last])
    city.due()
    city.work()
    before = {
        each.id: columns(each) for each in city.candidates("open") if each.class_name == thing.class_name
    }
    assert before
    city.arrive(recorded, frames[last:])
    city.close()
    city.work()
    with city.database.read() as session:
        covers = session.scalars(select(Sighting).where(Sighting.class_name == "manhole")).all()
    suffix = frames[last].id.replace("-", "")
    assert any(glimpse["frame_id"].endswith(suffix) for each in covers for glimpse in each.glimpses)
    assert {each.id: columns(each) for each in city.candidates() if each.id in before} == before


def test_patrols_in_either_order_give_the_same_candidates(city: City, cities: Callable[[str], City]) -> None:
    forth, starts = cities("forth"), [MONDAY, MONDAY + DAY, MONDAY + 40 * DAY]
    for number, start in enumerate(starts):
        forth.assembled(forth.drive(number, start, WORLD.things[:8] if number == 2 else None))
    for number, start in reversed([*enumerate(starts)]):
        city.assembled(city.drive(number, start, WORLD.things[:8] if number == 2 else None))
    assert told(city) == told(forth)
    with city.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CandidateRecheck))


def test_two_workers_at_one_place_lose_nothing_and_make_nothing_twice(
    city: City, cities: Callable[[str], City]
) -> None:
    starts = [MONDAY + number * DAY for number in range(4)]
    alone = cities("alone")
    alone.assembled(*(alone.drive(number, start) for number, start in enumerate(starts)))
    drives = [city.drive(number, start) for number, start in enumerate(starts)]
    for each in drives:
        city.arrive(each)
    city.close()
    failures: list[BaseException] = []

    def compete() -> None:
        worker, writer = city.worker(), GroupWriter(city.database)
        try:
            for _ in range(200):
                worker.turn(writer)
                with city.database.read() as session:
                    if not session.scalar(select(func.count()).where(Job.kind == KIND)):
                        return
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            writer.close()

    threads = [threading.Thread(target=compete) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    city.work()
    assert failures == []
    assert told(city) == told(alone)


def test_a_job_that_is_armed_while_it_runs_is_done_once_more(city: City) -> None:
    recorded = city.drive()
    city.arrive(recorded, recorded.frames[:5])
    city.due()
    with city.database.write() as session:
        [held] = claim(session, KIND, 10, Backoff(), alone=True)
        assert claim(session, KIND, 10, Backoff(), alone=True) == []  # one at a time
    city.arrive(recorded, recorded.frames[5:6])
    with city.database.write() as session:
        finish(session, held)
    with city.database.read() as session:
        [job] = session.scalars(select(Job)).all()
        assert (job.state, job.lease, job.attempts) == ("queued", None, 0)


def test_an_open_patrol_waits_the_longer_the_longer_it_is(city: City) -> None:
    recorded = city.drive()
    city.arrive(recorded, recorded.frames[:1])
    waits = []
    for frames in (0, 1000, 10**6):
        with city.database.write() as session:
            session.execute(delete(Job))
            session.merge(
                Assembly(
                    patrol_id=recorded.patrol_id, frames=frames, sightings=0, assembled_at=now(), summary={}
                )
            )
        with city.database.write() as session:
            frame_settled(session, recorded.patrol_id)
            waits.append(session.scalars(select(Job.run_after)).one() - now())
    assert [round(each.total_seconds()) for each in waits] == [20, 200, 600]


@pytest.mark.parametrize("state", ["confirmed", "rejected"])
def test_what_a_person_decided_is_not_changed_by_late_evidence(city: City, state: str) -> None:
    first = city.drive()
    city.arrive(first, first.frames[:-12])
    city.close()
    city.work()
    decide(city, state)
    before = {each.id: columns(each) for each in city.candidates()}
    rested = {each.id: city.sightings_of(each, late=False) for each in city.candidates()}
    known = {each.id for each in city.candidates()}
    city.arrive(first, first.frames[-12:])  # frames that come late: things are tracked anew
    city.assembled(city.drive(1, MONDAY + timedelta(hours=3)))
    after = {each.id: columns(each) for each in city.candidates() if each.id in known}
    assert after == before
    for each in city.candidates(state):
        assert city.sightings_of(each, late=False) == rested[each.id]
    assert any(city.sightings_of(each, late=True) for each in city.candidates(state))
    new = [each for each in city.candidates("open") if each.id not in known]
    assert all(nearest_m(each, city.candidates(state)) > 3 for each in new)  # never the same thing again
    with city.database.read() as session:
        assert session.scalar(select(func.count()).where(Sighting.retired_at.is_not(None)))
        told_of = set(session.scalars(select(Event.subject).where(Event.kind == "candidate.updated")))
    assert not told_of & {f"candidate/{each}" for each in known}


def test_a_rejected_thing_does_not_come_back_when_another_release_draws_its_boxes(city: City) -> None:
    recorded = city.drive()
    city.assembled(recorded)
    decide(city, "rejected")
    count = len(city.candidates())
    with city.database.write() as session:
        for seen in recorded.frames:
            name = f"{seen.id}.jpg"
            frame_id = session.scalars(select(Frame.id).where(Frame.name == name)).one()
            _look(session, frame_id, seen, "newer@ba9876543210", off_px=1.5)
        frame_settled(session, recorded.patrol_id)
    city.due()
    city.work()
    assert len(city.candidates()) == count
    assert city.candidates("open") == []
    with city.database.read() as session:
        living = select(Sighting.release).where(Sighting.retired_at.is_(None))
        assert set(session.scalars(living)) == {"newer@ba9876543210"}


def test_after_an_issue_is_closed_what_is_seen_there_is_a_new_lead(city: City) -> None:
    city.assembled(city.drive())
    decide(city, "confirmed")
    second = city.drive(1, MONDAY + DAY)
    city.assembled(second)
    one = max(city.candidates("confirmed"), key=lambda each: len(city.sightings_of(each, late=True)))
    assert city.sightings_of(one, late=True)
    with city.database.write() as session:
        end_place(session, session.get_one(Candidate, one.id), MONDAY + DAY / 2)
    city.work()
    assert city.sightings_of(one, late=True) == set()
    [again] = city.candidates("open")
    assert again.condition == one.condition
    city.assembled(city.drive(2, MONDAY + 2 * DAY))
    [still] = city.candidates("open")
    assert (still.id, still.sightings) == (again.id, again.sightings + 1)


def test_a_place_that_is_restored_takes_back_what_was_seen_since(city: City) -> None:
    city.assembled(city.drive())
    decide(city, "confirmed")
    city.assembled(city.drive(1, MONDAY + DAY))
    one = max(city.candidates("confirmed"), key=lambda each: len(city.sightings_of(each, late=True)))
    with city.database.write() as session:
        end_place(session, session.get_one(Candidate, one.id), MONDAY + DAY / 2)
    city.work()
    [again] = city.candidates("open")
    with city.database.write() as session:
        restore_place(session, one.id)
    city.work()
    assert city.candidates("open") == []
    [merged] = [each for each in city.candidates() if each.id == again.id]
    assert (merged.state, merged.merged_into_id) == ("merged", one.id)
    assert city.sightings_of(one, late=True)


def test_what_people_confirmed_without_a_patrol_is_found_again_by_one(city: City) -> None:
    thing = next(each for each in WORLD.things if each.class_name == "street_vendor")
    lon, lat = at(thing)
    with city.database.write() as session:
        told = add_report(
            session, source="inspector", condition="street_vending", class_name=None, lon=lon, lat=lat,
            description="a stall", frame_ids=[], reported_at=MONDAY, reporter=None,
        )  # fmt: skip
        told.state, told.decided_at = "confirmed", now()
        before = columns(told)
    city.assembled(city.drive())
    [same] = [each for each in city.candidates() if each.id == told.id]
    assert columns(same) == before
    assert city.sightings_of(same, late=True)
    assert [each.id for each in city.candidates() if each.condition == "street_vending"].count(told.id) == 1
    assert nearest_m(same, [each for each in city.candidates() if each.id != told.id]) > 10
    city.assembled(city.drive(1, MONDAY + DAY))
    assert nearest_m(same, [each for each in city.candidates() if each.id != told.id]) > 10
    assert len(city.sightings_of(same, late=True)) == 2


def test_what_is_not_there_any_more_is_gone_and_may_come_back(city: City) -> None:
    city.assembled(city.drive())
    thing, rest = WORLD.things[4], [*WORLD.things[:4], *WORLD.things[5:]]
    before = {each.id for each in city.candidates("open")}
    for number in range(1, 7):
        city.assembled(city.drive(number, MONDAY + 20 * number * DAY, rest))
    gone = city.candidates("gone")
    assert {(each.class_name, each.gone_because) for each in gone} == {(thing.class_name, "recheck")}
    assert {each.id for each in gone} < before
    with city.database.read() as session:
        outcomes = session.scalars(
            select(CandidateRecheck.outcome).where(CandidateRecheck.candidate_id == gone[0].id)
        )
        assert set(outcomes) <= {"gone", "uncertain"}
        kinds = select(Event.kind).where(Event.subject == f"candidate/{gone[0].id}")
        assert session.scalars(kinds.order_by(Event.number)).all()[-1] == "candidate.gone"
    city.assembled(city.drive(0, MONDAY + timedelta(days=1)))  # an earlier drive comes in last: it was there
    assert {each.id for each in city.candidates("gone")} == {each.id for each in gone}


def test_what_a_person_has_put_together_stays_together(city: City) -> None:
    city.assembled(city.drive())
    one, other = [each for each in city.candidates("open") if each.condition == "broken_facility"][:2]
    with city.database.write() as session:  # as a merger by hand leaves it
        moved = linked(session, other.id, late=False)
        session.execute(
            update(CandidateSighting)
            .where(CandidateSighting.candidate_id.in_((one.id, other.id)))
            .values(candidate_id=one.id, pinned=True)
        )
        kept = session.get_one(Candidate, other.id)
        kept.state, kept.merged_into_id, kept.decided_at = "merged", one.id, now()
        session.get_one(Candidate, one.id).pinned = True
    city.assembled(city.drive(1, MONDAY + timedelta(hours=2)))
    together = city.sightings_of(one, late=False)
    assert moved < together
    assert len(together) >= 3
    assert {each.id for each in city.candidates("merged")} == {other.id}
    assert all(nearest_m(each, [other]) > 3 for each in city.candidates("open") if each.id != one.id)
    after = next(each for each in city.candidates() if each.id == one.id)
    assert after.sightings == len(together)


def test_reports_support_a_lead_and_never_make_it_twice(city: City) -> None:
    said: dict[str, Any] = {
        "class_name": None,
        "description": "smells",
        "frame_ids": [],
        "reported_at": MONDAY,
        "reporter": None,
    }
    thing = next(each for each in WORLD.things if each.class_name == "street_vendor")
    lon, lat = at(thing)
    with city.database.write() as session:  # before any patrol came by
        first = add_report(
            session,
            source="citizen",
            condition="street_vending",
            lon=lon,
            lat=lat,
            **said,
        )
    city.assembled(city.drive())
    merged = next(each for each in city.candidates() if each.id == first.id)
    assert merged.state == "merged"
    lead = next(each for each in city.candidates() if each.id == merged.merged_into_id)
    before = columns(lead)
    with city.database.write() as session:
        second = add_report(
            session,
            source="hotline",
            condition="street_vending",
            lon=lon,
            lat=lat,
            **said,
        )
        far = add_report(
            session,
            source="hotline",
            condition="street_vending",
            lon=lon + 0.01,
            lat=lat,
            **said,
        )
        nowhere = add_report(
            session,
            source="hotline",
            condition="street_vending",
            lon=None,
            lat=None,
            **said,
        )
    assert second.state == "open"
    assert nearest_m(second, [lead]) < 30
    assert len({second.id, far.id, nowhere.id}) == 3
    assert columns(next(each for each in city.candidates() if each.id == lead.id)) == before
    with city.database.read() as session:
        standing = select(CandidateReport.candidate_id).order_by(CandidateReport.id)
        assert session.scalars(standing).all() == [lead.id, second.id, far.id, nowhere.id]


def test_sensitive_zones_leave_no_sighting_and_no_pose(city: City) -> None:
    from shapely.geometry import box, mapping

    from streetsight.service.zones.service import read_document, replace_zones

    thing = WORLD.things[len(WORLD.things) // 2]
    lon, lat = at(thing)
    zone = mapping(box(lon - 2e-4, lat - 1.5e-4, lon + 2e-4, lat + 1.5e-4))
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": zone, "properties": {"kind": "sensitive", "name": "school"}}
        ],
    }
    with city.database.write() as session:
        replace_zones(session, SYSTEM, document, read_document(document), "test", 0)
    city.assembled(city.drive())
    with city.database.read() as session:
        for row in session.scalars(select(Sighting)):
            assert abs((row.lat or 0) - lat) > 1.4e-4
        outcomes = set(session.scalars(select(FramePose.outcome)))
        assert outcomes == {"accepted", "masked"}
        assert session.scalars(select(Assembly)).one().summary["masked_sightings"] > 0


def test_coverage_is_kept_by_patrol_and_day(city: City) -> None:
    city.assembled(city.drive(0), city.drive(1, MONDAY + DAY))
    with city.database.read() as session:
        tiles = session.scalars(select(CoveredTile)).all()
    assert len({each.day for each in tiles}) == 2
    assert all(each.seen or each.driven for each in tiles)
    assert any(each.seen and each.driven for each in tiles)
    assert {each.patrol_id for each in tiles} == {each.patrol_id for each in tiles if each.frames}


def test_days_of_coverage_are_the_city_s_whatever_clock_the_frames_were_written_by(city: City) -> None:
    half_past_seven = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # in the city, on 1 November
    city.assembled(city.drive(0, half_past_seven))
    with city.database.read() as session:
        assert set(session.scalars(select(CoveredTile.day))) == {date(2026, 11, 1)}


def at(thing: Thing) -> tuple[float, float]:
    from streetsight.datasets.simulation.patrol import to_lon_lat

    return to_lon_lat(thing.east_m, thing.north_m)


def decide(city: City, state: str) -> None:
    """Every open candidate, as a person's decision leaves it."""
    with city.database.write() as session:
        session.execute(
            update(Candidate).where(Candidate.state == "open").values(state=state, decided_at=now())
        )


def columns(candidate: Candidate) -> dict[str, Any]:
    return {name: getattr(candidate, name) for name in Candidate.__table__.columns.keys()}  # noqa: SIM118


def nearest_m(candidate: Candidate, others: Sequence[Candidate]) -> float:
    """Metres to the nearest other of the same condition."""
    from streetsight.inference.positions.local import LocalPlane

    plane = LocalPlane(candidate.lon or 0, candidate.lat or 0)
    distances = [
        float((plane.to_metres(np.array([each.lon, each.lat], np.float64)) ** 2).sum() ** 0.5)
        for each in others
        if each.condition == candidate.condition
    ]
    return min(distances, default=float("inf"))


def confirms(city: City, candidate: Candidate) -> Meanwhile:
    return Meanwhile(city.database, Wish(candidate.id, Confirm(kind="confirm"), candidate.version))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lead_is_not_decided_while_a_drive_is_laid_beside_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the person would have confirmed what they never saw, under the version that they read."""
    city.assembled(city.drive(0, MONDAY))
    seen = city.candidates("open")[0]
    person, real = confirms(city, seen), Claims.of.__func__  # type: ignore[attr-defined]

    def of(cls: type[Claims], *arguments: Any) -> Claims:
        found: Claims = real(cls, *arguments)
        if seen.id in found.candidates and person.ident is None:
            person.begin()
        return found

    monkeypatch.setattr(Claims, "of", classmethod(of))
    city.assembled(city.drive(1, MONDAY + DAY))
    person.join()
    (now_there,) = [each for each in city.candidates() if each.id == seen.id]
    assert isinstance(person.refused, Stale)
    assert (now_there.state, now_there.version) == ("open", seen.version + 1)
    assert now_there.sightings > seen.sightings


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_a_citizen_told_is_not_confirmed_while_a_drive_takes_it_in(
    city: City, cities: Callable[[str], City], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its issue would stay behind a lead that is merged, and its place could be filed once more."""
    twin = cities("twin")
    twin.assembled(twin.drive(0, MONDAY))
    spot = twin.candidates("open")[0]
    with city.database.write() as session:
        told = add_report(
            session, source="citizen", condition=spot.condition, class_name=spot.class_name, lon=spot.lon,
            lat=spot.lat, frame_ids=[], description="x", reported_at=MONDAY, reporter=None,
            uncertainty_m=5.0, radius_m=10.0,
        )  # fmt: skip
    person, real = confirms(city, told), reports._around

    def around(*arguments: Any, **options: Any) -> Any:
        found = real(*arguments, **options)
        if options and any(each.id == told.id for each, _ in found) and person.ident is None:
            person.begin()
        return found

    monkeypatch.setattr(reports, "_around", around)
    city.assembled(city.drive(0, MONDAY))
    person.join()
    (now_there,) = [each for each in city.candidates() if each.id == told.id]
    assert isinstance(person.refused, Stale)
    assert (now_there.state, now_there.version) == ("merged", told.version + 1)
