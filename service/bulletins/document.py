"""What is printed, as a tree: made once, in one language, and rendered as HTML, PDF, DOCX or XLSX."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from streetsight.models.taxonomy import Language

Kind = Literal["text", "count", "points", "change", "share", "measure", "moment"]
"""How values are written: points to two places, changes with their sign, shares of one as per cent."""
Value = str | int | float | Decimal | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """Attributes: width: beside the other columns', for pages."""

    head: str
    kind: Kind = "text"
    width: float = 1.0

    @property
    def is_number(self) -> bool:
        return self.kind not in ("text", "moment")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads.

    Attributes:
        name: of the sheet, in a workbook.
        rows: values by column; a text may stand where a number is missing, and says why.
        note: below it, what its numbers mean.
        form: heads are in the first column, every cell has a border, and an empty one has room to write in.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    note: str | None = None
    form: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. Attributes: quiet: explains, and is not the matter itself."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be published. Attributes: jpeg: None where none may be shown; `caption` says why."""

    jpeg: bytes | None
    caption: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures side by side, two in a row. Attributes: title: what they have in common."""

    title: str
    pictures: Sequence[Picture]


Block = Paragraph | Table | Pictures


@dataclass(frozen=True, slots=True)
class Section:
    """Attributes: own_page: begins on a new one."""

    heading: str
    blocks: Sequence[Block]
    own_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """All that a bulletin says.

    Attributes:
        marks: what nobody may overlook: an example scheme, a preliminary state.
        foot: who closed it, and by which digests it can be checked.
        moment: of the state that it shows; the only time that is written into files.
        sheets: tables of a workbook; pages show `sections`.
    """

    language: Language
    title: str
    subtitle: str
    moment: datetime
    marks: Sequence[str] = ()
    sections: Sequence[Section] = ()
    foot: Sequence[str] = ()
    sheets: Sequence[Table] = field(default=())
