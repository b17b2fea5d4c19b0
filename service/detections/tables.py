"""Tables of results and their detections."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Detection(Base):
    """A box on a frame. Never changed: a new release writes a new result."""

    __tablename__ = "detections"
    __table_args__ = (Index(None, "class_name", "frame_id"),)

    result_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("results.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    class_name: Mapped[str] = mapped_column(String(60))
    condition: Mapped[str | None] = mapped_column(String(60))
    score: Mapped[float]
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]


class Result(Row):
    """What one release made of one frame; of both there is one result at most.

    Attributes:
        release: address, `name@digest`.
        outcome: accepted, or the reason code of a photo that could not be used.
        width, height: of the upright original, pixels; boxes refer to this.
        quality: figures and verdict of the capture-quality gate.
        file_metadata: what the file says of its making.
    """

    __tablename__ = "results"
    __table_args__ = (UniqueConstraint("frame_id", "release"),)

    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("frames.id"))
    release: Mapped[str] = mapped_column(String(120))
    outcome: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int | None]
    height: Mapped[int | None]
    quality: Mapped[dict[str, Any] | None] = mapped_column(Json)
    file_metadata: Mapped[dict[str, Any]] = mapped_column(Json)

    detections: Mapped[list[Detection]] = relationship(order_by=Detection.number, lazy="raise")
