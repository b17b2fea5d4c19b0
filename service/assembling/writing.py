"""An assembly into the database, in the transaction that ends its job: all of it or nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from streetsight.inference.patrol.patrols import Frame
from streetsight.service.areas.service import area_path_at
from streetsight.service.assembling.loading import Material
from streetsight.service.assembling.merging import Merged
from streetsight.service.assembling.tables import Assembly
from streetsight.service.assembling.tracking import Tracked
from streetsight.service.candidates.claims import batched, of_ids
from streetsight.service.candidates.tables import CandidateSighting
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.frames import tables as frames
from streetsight.service.sightings.rows import columns_of, pose_columns
from streetsight.service.sightings.tables import FramePose, Sighting
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now, offset_minutes
from streetsight.service.store.upsert import upsert

MOST_ROWS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """A patrol that was worked out and is not written yet."""

    material: Material
    tracked: Tracked
    merged: Merged
    tiles: list[dict[str, Any]]


def write_sightings(session: WriteSession, assembled: Assembled) -> None:
    """New sightings, and the places of all that changed theirs."""
    merged, material = assembled.merged, assembled.material
    place_of = {
        sighting.id: verdict.place.id for verdict in merged.verdicts for sighting in verdict.place.sightings
    }
    rows = []
    for each in merged.sightings:
        if each.id not in merged.store.place_of:
            area_path = area_path_at(session, each.lon, each.lat)
            place_id = place_of.get(each.id, each.id)
            rows.append(
                {**columns_of(each, material), "area_path": area_path, "place_id": place_id,
                 "created_at": now(), "retired_at": None}
            )  # fmt: skip
    _insert(session, Sighting, rows)
    moved = [
        {"own": own, "place": place_id}
        for own, place_id in place_of.items()
        if merged.store.place_of.get(own, place_id) != place_id
    ]
    if moved:
        put = update(Sighting).where(Sighting.id == bindparam("own")).values(place_id=bindparam("place"))
        session.connection().execute(put, moved)


def forget_sightings(session: WriteSession, dropped: Iterable[str]) -> None:
    """What tracking no longer makes goes; what a person decided by stays as it was seen then."""
    links = of_ids(session, CandidateSighting, CandidateSighting.sighting_id, dropped)
    kept = {each.sighting_id for each in links if not each.late}
    for some in batched(sorted(dropped), MOST_ROWS):
        gone = [each for each in some if each not in kept]
        late = CandidateSighting.sighting_id.in_(gone)
        session.execute(delete(CandidateSighting).where(late), execution_options=_AS_IT_IS)
        session.execute(delete(Sighting).where(Sighting.id.in_(gone)), execution_options=_AS_IT_IS)
    for some in batched(sorted(kept), MOST_ROWS):
        retire = update(Sighting).where(Sighting.id.in_(some)).values(retired_at=now())
        session.execute(retire, execution_options=_AS_IT_IS)


def write_poses(session: WriteSession, assembled: Assembled) -> None:
    """Poses of all frames; and what only they know: when a frame was taken, and where on the map."""
    material = assembled.material
    posed = [each for each in assembled.tracked.frames if each.pose]
    session.execute(delete(FramePose).where(FramePose.patrol_id == material.patrol_id))
    _insert(session, FramePose, [pose_columns(each, material) for each in posed])
    converted = material.outing.profile.coordinates not in ("wgs84", "cgcs2000")
    known = session.execute(
        select(frames.Frame.id, frames.Frame.taken_at, frames.Frame.lon, frames.Frame.lat).where(
            frames.Frame.patrol_id == material.patrol_id
        )
    )
    _fill_in(session, {row.id: row for row in known}, posed, material, converted)


def write_rest(session: WriteSession, assembled: Assembled) -> None:
    """Coverage, and that it was assembled."""
    material = assembled.material
    session.execute(delete(CoveredTile).where(CoveredTile.patrol_id == material.patrol_id))
    _insert(session, CoveredTile, assembled.tiles)
    values = {
        "frames": len(material.shots), "sightings": len(assembled.merged.sightings), "assembled_at": now(),
        "summary": {**assembled.tracked.summary, "masked_sightings": assembled.merged.masked},
    }  # fmt: skip
    put = upsert(session, Assembly).on_conflict_do_update(index_elements=[Assembly.patrol_id], set_=values)
    session.connection().execute(put, {"patrol_id": material.patrol_id, **values})


def _fill_in(
    session: WriteSession,
    rows: Mapping[str, Any],
    posed: Iterable[Frame],
    material: Material,
    converted: bool,
) -> None:
    """A time that had no offset gets the profile's zone; positions of another datum become WGS-84."""
    for frame in posed:
        assert frame.pose is not None
        row = rows[material.frame_of[frame.shot.result.sha256 or ""]]
        values: dict[str, Any] = {}
        if row.taken_at is None and frame.pose.taken_at is not None:
            values["taken_at"] = frame.pose.taken_at
            values["taken_offset_minutes"] = offset_minutes(frame.pose.taken_at)
        place = frame.pose.position
        if place is not None and (
            row.lon is None or (converted and (row.lon, row.lat) != (place.lon, place.lat))
        ):
            values |= {"lon": place.lon, "lat": place.lat,
                       "area_path": area_path_at(session, place.lon, place.lat)}  # fmt: skip
        if values:
            session.execute(
                update(frames.Frame).where(frames.Frame.id == row.id).values(**values),
                execution_options=_AS_IT_IS,
            )


def _insert(session: WriteSession, table: Any, rows: list[dict[str, Any]]) -> None:
    for some in batched(rows, MOST_ROWS):
        session.connection().execute(insert(table), list(some))


_AS_IT_IS = {"synchronize_session": False}
