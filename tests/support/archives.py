"""An archive of frames in a database and a storage, and everything that was found on it, for comparisons."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from streetsight.service.detections.service import KIND
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.devices.tables import Device
from streetsight.service.files.blobs import Blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.queue import enqueue
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.database import Database

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)


def fill(database: Database, blobs: Blobs, photos: Sequence[bytes]) -> list[str]:
    """One patrol of these photos, each waiting for detection; gives the frames' ids."""
    with database.write() as session:
        device = Device(name="car")
        session.add(device)
        session.flush()
        patrol = Patrol(device_id=device.id, key="morning")
        session.add(patrol)
        session.flush()
        ids = []
        for number, photo in enumerate(photos):
            frame = Frame(
                sha256=blobs.put(photo), size_bytes=len(photo), media_type="image/jpeg", state="queued",
                device_id=device.id, patrol_id=patrol.id, metadata_sent={}, name=f"{number}.jpg",
                taken_at=MORNING + timedelta(seconds=number), area_path="/330106/",
            )  # fmt: skip
            session.add(frame)
            session.flush()
            enqueue(session, KIND, frame.id)
            ids.append(frame.id)
    return ids


def varied(photos: Sequence[bytes], count: int) -> list[bytes]:
    """So many photos with bytes of their own, the last one cut off in its middle.

    What follows the end of a JPEG belongs to no picture, and to its digest.
    """
    found = [photos[each % len(photos)] + each.to_bytes(4, "big") for each in range(count)]
    found[-1] = found[-1][: len(found[-1]) // 2]
    return found


def found(database: Database, release: str | None = None) -> list[Any]:
    """Every result and its boxes by the photo's digest, sorted; nothing of it depends on ids or times."""
    with database.read() as session:
        query = (
            select(
                Frame.sha256, Result.release, Result.outcome, Result.reason, Result.width, Result.height,
                Result.quality, Result.file_metadata, Result.id,
            )
            .join(Frame, Frame.id == Result.frame_id)
            .order_by(Frame.sha256, Result.release)
        )  # fmt: skip
        if release is not None:
            query = query.where(Result.release == release)
        rows = session.execute(query).all()
        boxes: dict[str, list[Any]] = {}
        for box in session.scalars(select(Detection).order_by(Detection.result_id, Detection.number)):
            boxes.setdefault(box.result_id, []).append(
                (box.class_name, box.condition, box.score, box.x1, box.y1, box.x2, box.y2)
            )
    return [[*row[:-1], boxes.get(row.id, [])] for row in rows]
