"""HTTP: decisions as labels."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from streetsight.service.auth.access import Analyst
from streetsight.service.candidates.routes import Name
from streetsight.service.dependencies import Server, Text
from streetsight.service.labels import service
from streetsight.service.labels.files import archive, document
from streetsight.service.moments import Bound

router = APIRouter(prefix="/v1/labels", tags=["labels"])

FILES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "application/zip": {}}}}


@router.get("/export", response_class=Response, responses=FILES)
def export_labels(
    server: Server,
    actor: Analyst,
    request: Request,
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area.")] = None,
    condition: Name | None = None,
    decided_from: Bound | None = None,
    decided_before: Bound | None = None,
    frames: Annotated[
        Literal["shown", "all"], Query(description="Frames that people were shown, or all of the same thing.")
    ] = "shown",
    form: Annotated[
        Literal["coco", "zip"], Query(alias="format", description="zip: with the originals; each is logged.")
    ] = "coco",
) -> Response:
    """Decided detections as labels: COCO with photos by sha256, or a zip for `streetsight dataset import`."""
    wanted = service.Filters(area, condition, decided_from, decided_before, frames == "all")
    with server.exports.entered(), server.database.read() as session:
        labels = service.gather(session, actor, wanted)
    if form == "zip":
        labels = service.still_here(labels, server.blobs)
    note = partial(service.note_labels, wanted=request.url.query, with_photos=form == "zip")
    server.writer.run(partial(note, actor=actor, labels=labels))
    if form == "coco":
        return JSONResponse(document(labels), headers={"Cache-Control": "private, no-store"})
    headers = {
        "Content-Disposition": 'attachment; filename="labels.zip"', "Cache-Control": "private, no-store",
    }  # fmt: skip
    return StreamingResponse(archive(labels, server.blobs), headers=headers, media_type="application/zip")
