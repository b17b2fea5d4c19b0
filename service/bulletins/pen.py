"""How things are said in a document: its language, the city's clock, and the names that schemes give."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.bulletins.document import Kind, Value
from streetsight.service.pages.writing import Writer


@dataclass(frozen=True, slots=True)
class Pen:
    """Attributes: zone: the city's."""

    language: Language
    zone: tzinfo

    def say(self, message: str, /, **values: object) -> str:
        """A message of the catalogue."""
        return translate(message, self.language, **values)

    def named(self, thing: object) -> str:
        """What a part of a scheme is called."""
        return str(getattr(thing, self.language))

    def moment(self, seconds: int | None) -> datetime | None:
        """Seconds since 1970 on the city's clock."""
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)

    def written(self, value: Value, kind: Kind) -> str:
        """A value as people read it; a dash for none."""
        write = Writer(self.language, self.zone)
        if value is None or isinstance(value, str):
            return "–" if value is None else value
        if isinstance(value, datetime):
            return write.moment(value)
        if kind == "share":
            return write.percent(float(value), 1)
        if isinstance(value, Decimal):
            sign = "+" if kind == "change" and value > 0 else ""
            return sign + points_said(value)
        return write.number(value, 0 if kind == "count" else 2)


def points_said(points: Decimal) -> str:
    """To two places, and more where there are more."""
    exponent = points.normalize().as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{points:.{places}f}".replace("-", "−")
