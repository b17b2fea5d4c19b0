"""HTTP: the track of a patrol."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from streetsight.service.dependencies import Id, Server, Text
from streetsight.service.devices.access import Uploader
from streetsight.service.patrols.service import find_patrol
from streetsight.service.resources import Resources
from streetsight.service.tracks import service
from streetsight.service.tracks.schemas import TrackShown

router = APIRouter(prefix="/v1/patrols", tags=["patrols"])

BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.put("/{patrol_id}/track", openapi_extra=BODY)
async def put_track(
    server: Server, device: Uploader, patrol_id: Id, request: Request,
    name: Annotated[Text, Query(min_length=1, max_length=255)] = "track.gpx",
) -> TrackShown:  # fmt: skip
    """Send the patrol's GPX or NMEA file, in place of the one before. It goes before frames' positions."""
    content = await request.body()
    return await run_in_threadpool(_put, server, device, patrol_id, name, content)


def _put(server: Resources, device: Uploader, patrol_id: str, name: str, content: bytes) -> TrackShown:
    with server.database.read() as session:
        find_patrol(session, device, patrol_id)
    track = service.check_track(name, content)
    server.writer.run(partial(service.put_track, patrol_id=patrol_id, name=name, content=content))
    return TrackShown.of(track)
