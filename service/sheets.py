"""CSV files as offices make them: any of the usual encodings and delimiters, each line read for itself."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from streetsight.service.faults import Invalid

MAX_LINES = 50_000
MAX_FIELD_CHARACTERS = 20_000
MAX_LINES_OF_ONE = 40
"""A quote that is not closed would swallow the rest of the file: so many lines may belong to one record."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class BadSheet(Invalid):
    """The file cannot be read as a table at all."""

    code = "bad_sheet"


@dataclass(frozen=True, slots=True)
class Line:
    """One record as it stands.

    Attributes:
        number: of its first line in the file.
        cells: by column, stripped; those of unknown columns are left out.
        fault: why it cannot be read; then `cells` is empty.
    """

    number: int
    cells: Mapping[str, str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table whose first line names its columns.

    Attributes:
        head: the first line as it stands.
        columns: what each column is; None for one that is not known, which `unknown` names.
        lines: its records; can be walked through once.
    """

    head: str
    columns: list[str | None]
    unknown: list[str]
    lines: Iterator[Line]


def decode(content: bytes) -> tuple[str, str]:
    """Text and encoding of a file: UTF-8 or UTF-16 by their marks, else UTF-8, else GB18030.

    Raises:
        BadSheet: when it is none of these.
    """
    encodings = ["utf-8", "gb18030"]
    if content.startswith(b"\xef\xbb\xbf"):
        encodings = ["utf-8-sig"]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, encoding
    raise BadSheet("the file is neither UTF-8 nor GB18030 text; save it as CSV (UTF-8)")


def read_sheet(text: str, column_of: Callable[[str], str | None]) -> Sheet:
    """A table, its columns in any order.

    Args:
        column_of: what a column is, by its title; None for one that is not known.

    Raises:
        BadSheet: when there is nothing in it, or too much.
    """
    lines = io.StringIO(text, newline="").readlines()  # splitlines would know a dozen more line ends
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        raise BadSheet("the file is empty")
    if len(lines) - head > MAX_LINES:
        raise BadSheet(
            "the file has {count} lines, at most {limit} are taken", count=len(lines), limit=MAX_LINES
        )
    delimiter = max(",\t;", key=lines[head].count)
    titles = _record(lines, head, delimiter)[0] or []
    columns = [column_of(title) for title in titles]
    unknown = [title.strip() for title, column in zip(titles, columns, strict=True) if not column]
    return Sheet(lines[head].strip(), columns, unknown, _lines(lines, head + 1, delimiter, columns))


def _lines(lines: list[str], start: int, delimiter: str, columns: list[str | None]) -> Iterator[Line]:
    number = start
    while number < len(lines):
        cells, used = _record(lines, number, delimiter)
        if cells is None:
            yield Line(number + 1, {}, "a quote is not closed, or stands where none belongs")
        elif any(cell.strip() for cell in cells):
            named = zip(columns, cells, strict=False)
            yield Line(number + 1, {name: _CONTROL.sub("", cell).strip() for name, cell in named if name})
        number += used


def _record(lines: list[str], start: int, delimiter: str) -> tuple[list[str] | None, int]:
    """Cells of the record that begins on a line, and how many lines it takes; None when it has no end."""
    reader = csv.reader(iter(lines[start : start + MAX_LINES_OF_ONE]), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except (csv.Error, StopIteration):
        return None, 1
    too_long = any(len(cell) > MAX_FIELD_CHARACTERS for cell in cells)
    return (None, 1) if too_long else (cells, max(1, reader.line_num))
