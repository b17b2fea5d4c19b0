"""What tables of such documents share."""

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class Version(Row):
    """A document as it was from one moment on. The one with the highest number is in force.

    Attributes:
        made_by, reason: who brought it in, and why.
    """

    __abstract__ = True

    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    made_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
