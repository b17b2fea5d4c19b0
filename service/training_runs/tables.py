"""Table of training runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class TrainingRun(Row):
    """One run: train, export, register, compare; or compare alone.

    Attributes:
        kind: train or compare.
        state: queued, running, done, failed or cancelled.
        release_name: of the release that it makes, or compares with the one in force.
        weights: name of the release to start from; None when it compares alone.
        recipe, epochs, size: None where the recipe says.
        host, starts: the machine that it runs on, and how often it was started there.
        step: train, export, register or compare.
        progress: epoch, epochs, seconds_left and losses, as of the latest epoch.
        release_address: of the challenger, when it is registered.
        compared: there is evidence for a promotion.
        fault: message and values of what went wrong.
    """

    __tablename__ = "training_runs"

    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="queued", index=True)
    version_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("dataset_versions.id"))
    release_name: Mapped[str] = mapped_column(String(100))
    weights: Mapped[str | None] = mapped_column(String(100))
    recipe: Mapped[str | None] = mapped_column(String(40))
    epochs: Mapped[int | None]
    size: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(100))
    host: Mapped[str | None] = mapped_column(String(100))
    starts: Mapped[int] = mapped_column(default=0)
    step: Mapped[str | None] = mapped_column(String(10))
    progress: Mapped[dict[str, Any] | None] = mapped_column(Json)
    cancel_asked_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    release_address: Mapped[str | None] = mapped_column(String(120))
    compared: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[dict[str, Any] | None] = mapped_column(Json)
