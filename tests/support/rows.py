"""Rows as the product writes them, for tests that need them without the way that makes them."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import WriteSession

DAWN = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


BOX, SIZE = [10.0, 20.0, 110.0, 90.0], [640, 360]


def write_lead(
    session: WriteSession,
    sightings: int,
    glimpses: int,
    fields: dict[str, Any],
    photos: Sequence[str] = (),
    box: Sequence[float] = BOX,
    size: Sequence[int] = SIZE,
) -> str:
    """A candidate with sightings, frames and results, as a patrol would leave it; gives its id.

    Args:
        photos: ids of uploaded frames that show it, of this size and in this box; without them new rows are
            made that have no photo.
    """
    device = Device(name=f"car-{os.urandom(4).hex()}")
    session.add(device)
    session.flush()
    patrol = Patrol(device_id=device.id, key="morning")
    session.add(patrol)
    session.flush()
    uploaded = [session.get_one(Frame, each) for each in photos]
    made = [
        _sighting(session, patrol, glimpses, number, fields, uploaded[number:] + uploaded[:number], box, size)
        for number in range(sightings)
    ]
    best = made[0].glimpses[0]
    usual = {
        "source": "patrol", "condition": "exposed_garbage", "class_name": "garbage", "score": 0.8,
        "severity": "medium", "lon": 120.15, "lat": 30.27, "covariance_m2": [4.0, 0.0, 4.0],
        "area_path": "/330106/330106003/", "first_seen_at": DAWN, "last_seen_at": DAWN,
        "sightings": sightings, "frames": sightings * glimpses, "patrols": 1, "place_id": made[0].id,
        "best_frame_id": best["frame"], "best_box": best["box_xyxy_px"], "release": "tiny@0123456789ab",
        "findings": [{"rule": "gates", "state": "met", "reason": "enough_frames",
                      "values": {"frames": 2, "score": 0.8}}],
        "evidence": {"close_up": {"frame": best["frame"]}, "panorama": None, "pair": []},
    }  # fmt: skip
    candidate = Candidate(**{**usual, **fields})
    session.add(candidate)
    session.flush()
    session.add_all(CandidateSighting(candidate_id=candidate.id, sighting_id=each.id) for each in made)
    return candidate.id


def _sighting(
    session: WriteSession,
    patrol: Patrol,
    glimpses: int,
    number: int,
    fields: dict[str, Any],
    uploaded: Sequence[Frame],
    box: Sequence[float],
    size: Sequence[int],
) -> Sighting:
    frames = uploaded[:glimpses] or [
        _frame(session, patrol, fields, number * 100.0 + index) for index in range(glimpses)
    ]
    sighting = Sighting(
        id=new_id(), patrol_id=patrol.id, pass_id=patrol.id, device_id=patrol.device_id,
        class_name="garbage", release="tiny@0123456789ab", score=0.8, frames=glimpses,
        first_seen_at=DAWN, last_seen_at=DAWN + timedelta(seconds=number), own_m2=[1.0, 0.0, 1.0],
        lon=120.15 + number * 1e-5, lat=30.27, shared_m2=[4.0, 0.0, 4.0], located_by="ground", place_id="",
        area_path=fields.get("area_path", "/330106/330106003/"),
        glimpses=[
            {
                "frame": frame.id, "frame_id": frame.sha256, "taken_at": DAWN.isoformat(), "distance_m": 8.0,
                "score": 0.8 - index / 100, "box_xyxy_px": [*box], "size_wh": [*size],
                "scorable": True, "release": "tiny@0123456789ab",
            }
            for index, frame in enumerate(frames)
        ],
    )  # fmt: skip
    session.add(sighting)
    session.flush()
    return sighting


def _frame(session: WriteSession, patrol: Patrol, fields: dict[str, Any], second: float) -> Frame:
    frame = Frame(
        sha256=os.urandom(32).hex(), size_bytes=1, media_type="image/jpeg", device_id=patrol.device_id,
        patrol_id=patrol.id, state="detected", taken_at=DAWN + timedelta(seconds=second), lon=120.15,
        lat=30.27, area_path=fields.get("area_path", "/330106/330106003/"), metadata_sent={},
    )  # fmt: skip
    session.add(frame)
    session.flush()
    result = Result(
        frame_id=frame.id, release="tiny@0123456789ab", outcome="accepted", width=640, height=360,
        file_metadata={},
    )  # fmt: skip
    session.add(result)
    session.flush()
    session.add(
        Detection(
            result_id=result.id, number=0, frame_id=frame.id, class_name="garbage",
            condition="exposed_garbage", score=0.8, x1=10, y1=20, x2=110, y2=90,
        )
    )  # fmt: skip
    frame.result_id = result.id
    return frame
