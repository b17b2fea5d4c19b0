"""Moments, ages and numbers as people of a language write them, on the city's clock."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from babel import dates, numbers

from streetsight.models.taxonomy import Language
from streetsight.service.store.types import now

LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Writer:
    """Attributes: zone: the city's."""

    language: Language
    zone: tzinfo

    @property
    def locale(self) -> str:
        return LOCALES[self.language]

    def moment(self, moment: datetime | None) -> str:
        """Day and minute; a dash for none."""
        if moment is None:
            return "–"
        return dates.format_datetime(moment, _PATTERN[self.language], self.zone, self.locale)

    def day(self, day: date | None) -> str:
        """A day, or that of a moment on the city's clock; a dash for none."""
        if isinstance(day, datetime):
            day = day.astimezone(self.zone)
        return "–" if day is None else dates.format_date(day, "medium", self.locale)

    def ago(self, moment: datetime | None) -> str:
        """How long ago, or how long until, roughly; a dash for none."""
        if moment is None:
            return "–"
        return dates.format_timedelta(moment - now(), add_direction=True, locale=self.locale)

    def number(self, value: float | None, places: int = 0) -> str:
        """With separators, to so many places; a dash for none."""
        if value is None:
            return "–"
        return numbers.format_decimal(value, f"#,##0.{'0' * places}" if places else "#,##0", self.locale)

    def percent(self, share: float | None, places: int = 0) -> str:
        """A share of one as per cent; a dash for none."""
        if share is None:
            return "–"
        return numbers.format_percent(share, f"#,##0.{'0' * places}%" if places else "#,##0%", self.locale)

    def size(self, size_bytes: int | None) -> str:
        """Bytes in the unit that keeps the number short; a dash for none."""
        if size_bytes is None:
            return "–"
        size, units = float(size_bytes), iter(("B", "KB", "MB", "GB", "TB"))
        unit = next(units)
        while size >= 1000 and unit != "TB":
            size, unit = size / 1000, next(units)
        return f"{self.number(size, 0 if unit == 'B' or size >= 100 else 1)} {unit}"


_PATTERN = {"zh": "yyyy年M月d日 HH:mm", "en": "d MMM yyyy, HH:mm"}
