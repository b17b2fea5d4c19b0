"""HTTP: look at a photo now, keep nothing."""

from fastapi import APIRouter, Request

from streetsight.service.auth.access import Asker
from streetsight.service.dependencies import Server
from streetsight.service.detections.schemas import ResultShown
from streetsight.service.detections.service import show
from streetsight.service.errors import language_of
from streetsight.service.frames.uploads import PHOTO, PassingPhoto, body_schema

router = APIRouter(prefix="/v1/detect", tags=["detect"])


@router.post("", openapi_extra=body_schema(PHOTO, many=False))
def detect(server: Server, _actor: Asker, form: PassingPhoto, request: Request) -> ResultShown:
    """What the release in force finds on a photo. A photo that cannot be used has its reason in `outcome`."""
    seen = server.looker.look(form.photos[0].file.read(), form.photos[0].filename or "")
    return show(seen, language_of(request))
