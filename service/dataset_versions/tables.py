"""Table of dataset versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class DatasetVersion(Row):
    """Labels from decisions, frozen with copies of their photos. Content-addressed by `datasets.versions`.

    Attributes:
        state: queued, built, failed or deleted.
        note: what it is for.
        filters: which decisions: area, condition, decided_from, decided_before, every_frame.
        address: of the version, when it is built; two of the same content have the same.
        parts: train, val and test -> photos.
        boxes: class -> boxes.
        undecided: photos that were left out, because something on them is undecided.
        fault: message and values of what went wrong.
    """

    __tablename__ = "dataset_versions"

    state: Mapped[str] = mapped_column(String(10), default="queued")
    note: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(100))
    filters: Mapped[dict[str, Any]] = mapped_column(Json)
    address: Mapped[str | None] = mapped_column(String(64))
    parts: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    boxes: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    undecided: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    fault: Mapped[dict[str, Any] | None] = mapped_column(Json)
