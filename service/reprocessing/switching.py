"""Putting an archive's results of a release in force: a person's act, after the comparison."""

from sqlalchemy import update

from streetsight.service.assembling.arming import frame_settled
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Conflict
from streetsight.service.frames.tables import Frame
from streetsight.service.reprocessing.frames import Archive, Theirs, count, in_pages
from streetsight.service.store.database import Database

TOGETHER = 2000  # frames of one commit


class NotInForce(Conflict):
    """The release is not the one in force; patrols would be put together by the words of another."""

    code = "release_not_in_force"


class NotWhole(Conflict):
    """Frames are left that the release has not looked at."""

    code = "archive_not_whole"


def switch(
    database: Database, actor: Actor, archive: Archive, in_force: str, reason: str, partial: bool = False
) -> int:
    """Make the release's results those of the archive's frames, and have their patrols assembled again.

    Candidates that a person has decided on stay as they are. A switch that was broken off goes on when it is
    asked for again.

    Args:
        in_force: address of the release in force.
        partial: also when frames are left that the release has not looked at.

    Returns:
        How many frames have another result now.

    Raises:
        NotInForce, NotWhole: nothing is changed.
    """
    if archive.address != in_force:
        raise NotInForce(
            "{address} is not in force, {in_force} is; put it in force first with `streetsight models "
            "promote`: what is found is judged by the release in force",
            address=archive.address, in_force=in_force,
        )  # fmt: skip
    waiting = archive.pairs().where(Frame.result_id != Theirs.id)
    with database.write() as session:
        missing, frames = count(session, archive.left()), count(session, waiting)
        if missing and not partial:
            raise NotWhole(
                "{missing} frames are left that {address} has not looked at; run `streetsight reprocess` on, "
                "or give --partial to leave them as they are",
                missing=missing, address=archive.address,
            )  # fmt: skip
        if not frames:
            return 0
        details = {"release": archive.address, "filters": dict(archive.filters), "frames": frames}
        record(
            session, actor, "archive.switched", f"release/{archive.address}", {**details, "reason": reason}
        )
    switched = 0
    for page in in_pages(database, waiting, TOGETHER):
        with database.write() as session:
            for frame_id, _, before, theirs in page:
                ours = update(Frame).where(Frame.id == frame_id, Frame.result_id == before)
                moved = session.execute(ours.values(result_id=theirs).returning(Frame.patrol_id)).first()
                if moved is not None:
                    frame_settled(session, moved.patrol_id)
                    switched += 1
    return switched
