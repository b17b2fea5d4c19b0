"""Table of ground that was seen."""

from datetime import date

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Row


class CoveredTile(Row):
    """What one patrol saw of one tile of the map on one day; unions are made tile by tile.

    Attributes:
        day: by the city's clock; None for frames without a time.
        x, y: of `inference.coverage.tiles`: thousandths of a degree.
        seen, passed: ground seen, and ground where the vehicle was but what it saw is unknown; WKB polygons,
            WGS-84 degrees, None for none.
        dim: ground in view in bad light only; WKB polygons, None for none.
        driven: lines driven, WKB, WGS-84 degrees; None for none.
        frames: that show ground of this tile.
    """

    __tablename__ = "covered_tiles"
    __table_args__ = (Index(None, "patrol_id"), Index(None, "x", "y", "day"), Index(None, "day"))

    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    day: Mapped[date | None] = mapped_column(Date)
    x: Mapped[int]
    y: Mapped[int]
    seen: Mapped[bytes | None] = mapped_column(LargeBinary)
    passed: Mapped[bytes | None] = mapped_column(LargeBinary)
    dim: Mapped[bytes | None] = mapped_column(LargeBinary)
    driven: Mapped[bytes | None] = mapped_column(LargeBinary)
    frames: Mapped[int]
