"""Any sequence of decisions and later passes: the states are those of the table, and nothing else moves."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import TypeAdapter
from sqlalchemy import select

from streetsight.inference.places.fusion import fuse
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Sighting as Seen
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zones import ZoneMap
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.assembling.merging import Merged, judge
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.candidates.reports import RADIUS_M
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.candidates.updating import tell, update_candidates
from streetsight.service.decisions.schemas import Asked
from streetsight.service.decisions.service import FACTS, Wish, decide
from streetsight.service.decisions.states import KINDS, RECEIVING, STATES, TRANSITIONS, possible, replayed
from streetsight.service.decisions.tables import Decision
from streetsight.service.devices.tables import Device
from streetsight.service.faults import ServiceError
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue
from streetsight.service.patrols.tables import Patrol
from streetsight.service.sightings import tables
from streetsight.service.sightings.rows import sighting_of
from streetsight.service.sightings.store import SightingStore
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.migrating import migrate
from streetsight.service.store.sessions import WriteSession

ZONE = ZoneInfo("Asia/Shanghai")
ADMIN = Actor("person", new_id(), "admin", Role.ADMIN)
MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
CONTEXT = Context(ZoneMap((), load_rules().zone_kinds), load_rules(), default_taxonomy())
STREET_DEG = 0.01  # between two things: never one place
_asked: TypeAdapter[Any] = TypeAdapter(Asked)


def test_every_state_can_be_reached_and_left() -> None:
    assert {state for state, _ in TRANSITIONS} == set(STATES)
    assert set(TRANSITIONS.values()) | {"gone"} == set(STATES)  # gone: by re-checks alone
    assert {kind for _, kind in TRANSITIONS} == set(KINDS)
    assert all(possible(state) for state in STATES)
    assert set(STATES) >= RECEIVING


class Street(RuleBasedStateMachine):
    """Things at known places; passes that see them again; people who decide.

    Attributes:
        things: index of a thing -> how many passes have seen it.
        facts: what was last written by a person of a candidate that they settled.
    """

    database: Database

    @initialize(count=st.integers(2, 3))
    def first_pass(self, count: int) -> None:
        self.things = dict.fromkeys(range(count), 0)
        self.facts: dict[str, dict[str, Any]] = {}
        with self.database.write() as session:
            self.device = Device(name=new_id())
            session.add(self.device)
        for thing in self.things:
            self.seen_again(thing)

    @rule(thing=st.integers(0, 2))
    def seen_again(self, thing: int) -> None:
        """What the assembling of one more patrol does to one place."""
        if thing not in self.things:
            return
        self.things[thing] += 1
        with self.database.write() as session:
            fresh = self._pass(session, thing, self.things[thing])
            store = SightingStore(session)
            mine = select(tables.Sighting).where(
                tables.Sighting.device_id == self.device.id, tables.Sighting.class_name == "garbage"
            )
            near = [
                each for each in store.read(mine) if abs((each.lon or 0) - lon_of(thing)) < STREET_DEG / 2
            ]
            verdict = judge(fuse(near), CONTEXT)
            assert [lead.condition for lead in verdict.leads] == ["exposed_garbage"]
            merged = Merged(Places(), store, (fresh,), frozenset(), (verdict,), {}, 0)
            tell(update_candidates(session, merged, CONTEXT, RADIUS_M))

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def decided(self, data: st.DataObject, kind: str) -> None:
        candidates = self._candidates()
        chosen = data.draw(st.sampled_from(sorted(candidates)))
        wish = Wish(
            chosen, _asked.validate_python(self._asked(data, kind, chosen)), candidates[chosen].version
        )
        is_possible = (candidates[chosen].state, kind) in TRANSITIONS
        try:
            with self.database.write() as session:
                made = decide(session, ADMIN, wish, ZONE)
        except ServiceError:
            assert facts(self._candidates()[chosen]) == facts(candidates[chosen])
            return
        assert is_possible
        assert made.candidate.state == TRANSITIONS[candidates[chosen].state, kind]  # type: ignore[index]
        assert made.candidate.version == candidates[chosen].version + 1
        self.facts.pop(made.decision.other_id or "", None)
        self.facts[chosen] = facts(made.candidate)
        if made.candidate.decided_at is None:
            del self.facts[chosen]
        elif (
            made.decision.other_id in (after := self._candidates())
            and after[made.decision.other_id].decided_at
        ):
            self.facts[made.decision.other_id] = facts(after[made.decision.other_id])

    @invariant()
    def only_people_change_what_people_decided(self) -> None:
        for candidate_id, row in self._candidates().items():
            if candidate_id in self.facts:
                assert facts(row) == self.facts[candidate_id]

    @invariant()
    def decisions_tell_the_state(self) -> None:
        with self.database.read() as session:
            decisions = session.scalars(select(Decision).order_by(Decision.id)).all()
            issues = {each.candidate_id: each.state for each in session.scalars(select(Issue))}
        for candidate_id, row in self._candidates().items():
            own = [each for each in decisions if each.candidate_id == candidate_id]
            if own and row.decided_at is not None:
                assert row.state == replayed(own[0].before["state"], [each.kind for each in own])  # type: ignore[misc]
            assert (row.state == "confirmed") == (issues.get(candidate_id) == "filed")

    @invariant()
    def every_sighting_belongs_to_a_candidate(self) -> None:
        with self.database.read() as session:
            linked = set(session.scalars(select(CandidateSighting.sighting_id)))
            mine = select(tables.Sighting.id).where(tables.Sighting.device_id == self.device.id)
            assert set(session.scalars(mine)) <= linked

    def _candidates(self) -> dict[str, Candidate]:
        mine = (
            select(Candidate)
            .join(CandidateSighting, CandidateSighting.candidate_id == Candidate.id)
            .join(tables.Sighting, tables.Sighting.id == CandidateSighting.sighting_id)
            .where(tables.Sighting.device_id == self.device.id)
        )
        with self.database.read() as session:
            return {row.id: row for row in session.scalars(mine)}

    def _asked(self, data: st.DataObject, kind: str, chosen: str) -> dict[str, Any]:
        if kind == "reject":
            return {"kind": kind, "reason": data.draw(st.sampled_from(["not_there", "permitted"]))}
        if kind == "correct":
            return {"kind": kind, "severity": data.draw(st.sampled_from(["low", "high"]))}
        if kind == "merge":
            return {"kind": kind, "into": data.draw(st.sampled_from(sorted(self._candidates())))}
        if kind == "split":
            with self.database.read() as session:
                links = select(CandidateSighting.sighting_id).where(CandidateSighting.candidate_id == chosen)
                held = sorted(session.scalars(links))
            return {"kind": kind, "sightings": data.draw(st.lists(st.sampled_from(held), min_size=1))}
        return {"kind": kind}

    def _pass(self, session: WriteSession, thing: int, number: int) -> Seen:
        """A patrol that sees the thing on four frames; stored as assembling stores it."""
        patrol = Patrol(device_id=self.device.id, key=new_id())
        session.add(patrol)
        session.flush()
        began = MORNING + timedelta(hours=number)
        frames = [
            Frame(
                sha256=(new_id() * 2).replace("-", ""), size_bytes=1, media_type="image/jpeg",
                state="detected",
                device_id=self.device.id, patrol_id=patrol.id, metadata_sent={},
            )
            for _ in range(4)
        ]  # fmt: skip
        session.add_all(frames)
        session.flush()
        glimpses = [
            {
                "frame": frame.id, "frame_id": frame.sha256, "taken_at": began.isoformat(), "score": 0.9,
                "box_xyxy_px": [500.0, 400.0, 800.0, 700.0], "size_wh": [1920, 1080], "distance_m": 8.0,
                "scorable": True, "release": "r@1",
            }
            for frame in frames
        ]  # fmt: skip
        row = tables.Sighting(
            id=new_id(), patrol_id=patrol.id, pass_id=patrol.id, device_id=self.device.id, release="r@1",
            class_name="garbage", score=0.9, frames=4, first_seen_at=began, last_seen_at=began,
            lon=lon_of(thing), lat=30.27, own_m2=[0.5, 0.0, 0.5], shared_m2=[1.0, 0.0, 1.0], width_m=1.5,
            located_by="ground", glimpses=glimpses, place_id=patrol.id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return sighting_of(row, self.device.name)


def lon_of(thing: int) -> float:
    return 120.15 + thing * STREET_DEG


def facts(row: Candidate) -> dict[str, Any]:
    """What nobody but a person may change of a decided candidate: all but what counts its evidence."""
    kept = {name: getattr(row, name) for name in FACTS if name not in ("sightings", "frames")}
    return {**kept, "state": row.state, "score": row.score, "findings": row.findings}


def test_any_sequence_of_decisions_and_passes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'states.sqlite'}")
        migrate(database)
        machine = type("Machine", (Street,), {"database": database})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=15, stateful_step_count=15, deadline=None, derandomize=True, database=None,
                    suppress_health_check=[*HealthCheck],
                ),
            )  # fmt: skip
        finally:
            database.close()
