"""HTTP: Label Studio's ML backend contract. Connect a project to `http://server/labelstudio`."""

import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError
from streetsight.service.dependencies import Server
from streetsight.service.detections.service import show
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.errors import language_of
from streetsight.service.labelstudio.access import DECLARED, Labeller
from streetsight.service.labelstudio.config import LabelConfig, read_config
from streetsight.service.labelstudio.pictures import BadPicture, picture_of
from streetsight.service.labelstudio.schemas import (
    Box,
    Event,
    EventAnswer,
    PredictAnswer,
    PredictAsked,
    Prediction,
    Region,
    Setup,
    SetupAnswer,
    Task,
)
from streetsight.service.resources import Resources
from streetsight.service.store.database import spoken

router = APIRouter(prefix="/labelstudio", tags=["labelstudio"], dependencies=DECLARED)
log = structlog.get_logger(__name__)


@router.get("/health")
def health(server: Server, _device: Labeller) -> dict[str, str]:
    """Label Studio asks before it connects."""
    return {"status": "UP", "model_class": "Streetsight", "model_version": server.looker.release.address}


@router.post("/setup")
def setup(server: Server, _device: Labeller, asked: Setup) -> SetupAnswer:
    """A project is connected: its configuration must have boxes on a picture."""
    if asked.label_config.strip():
        read_config(asked.label_config)
    return SetupAnswer(model_version=server.looker.release.address)


@router.post("/predict")
def predict(server: Server, device: Labeller, asked: PredictAsked, request: Request) -> PredictAnswer:
    """Boxes for each task. One whose picture cannot be had says why, and costs no other."""
    config, results = read_config(asked.label_config), list[Prediction]()
    with server.looks.entered():
        for task in asked.tasks:
            try:
                results.append(_predicted(server, device, config, task))
            except (SpokenError, SQLAlchemyError) as caught:
                reason = spoken(caught).say(language_of(request))
                results.append(
                    Prediction(
                        model_version=server.looker.release.address, score=0.0, result=[], error=reason
                    )
                )
    return PredictAnswer(results=results, model_version=server.looker.release.address)


@router.post("/webhook")
def webhook(_server: Server, device: Labeller, event: Event) -> EventAnswer:
    """What happens in the project; nothing here depends on it."""
    log.info("labelstudio_event", action=event.action, device_name=device.name)
    return EventAnswer(action=event.action)


def _predicted(server: Resources, device: DeviceAccess, config: LabelConfig, task: Task) -> Prediction:
    reference = task.data.get(config.data_key)
    if not isinstance(reference, str):
        raise BadPicture("the task has no picture under {key}", key=config.data_key)
    seen = server.looker.look(picture_of(server, device, reference))
    if seen.result.error is not None:
        raise seen.result.error
    shown = show(seen)
    width, height = shown.width or 1, shown.height or 1
    regions = [
        Region(
            id=f"{number}", from_name=config.from_name, to_name=config.to_name, score=each.score,
            original_width=width, original_height=height,
            value=_box(each.box_xyxy_px, (width, height), config.labels[each.class_name]),
        )
        for number, each in enumerate(shown.detections)
        if each.class_name in config.labels
    ]  # fmt: skip
    score = sum(each.score for each in regions) / len(regions) if regions else 0.0
    return Prediction(model_version=shown.release, score=score, result=regions)


def _box(xyxy_px: tuple[float, float, float, float], size_wh: tuple[int, int], label: str) -> Box:
    x1, y1, x2, y2 = xyxy_px
    width, height = size_wh
    return Box(
        x=100 * x1 / width, y=100 * y1 / height, width=100 * (x2 - x1) / width,
        height=100 * (y2 - y1) / height, rectanglelabels=[label],
    )  # fmt: skip
