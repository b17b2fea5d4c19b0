"""Tables on a terminal of any width: names fold over lines, figures are never cut."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

NARROWEST_NAME = 8  # characters of a name on a line before a line runs over the terminal's edge
WIDEST_LETTER = 2  # a Chinese one
UNBOUNDED = 10_000


def figure_table(
    headings: Sequence[str],
    sections: Iterable[Iterable[Sequence[str]]],
    names: Iterable[int] = (0,),
    title: str = "",
    caption: str = "",
) -> Table:
    """A table of names and figures.

    Args:
        sections: of rows of cells, as they are to be read: markup of rich is none here.
        names: which columns hold names, left-aligned; figures stand to the right.
    """
    table = Table(
        title=escape(title) or None, title_justify="left",
        caption=escape(caption) or None, caption_justify="left",
        box=SIMPLE_HEAD, show_edge=False,
    )  # fmt: skip
    names = set(names)
    whole = [[[escape(cell) for cell in row] for row in section] for section in sections]
    for index, heading in enumerate(headings):
        widest = max([WIDEST_LETTER, *(cell_len(row[index]) for section in whole for row in section)])
        table.add_column(
            escape(heading), justify="left" if index in names else "right", overflow="fold",
            min_width=min(widest, NARROWEST_NAME) if index in names else widest,
            no_wrap=index not in names and cell_len(heading) <= widest,
        )  # fmt: skip
    for section in whole:
        for row in section:
            table.add_row(*row)
        table.add_section()
    return table


def print_table(table: Table) -> None:
    """Print a table, airy where there is room; a line too narrow for the figures is run over, not cut."""
    console = Console()
    table.padding = (0, 1, 0, 0)
    unbounded = console.options.update(width=UNBOUNDED, max_width=UNBOUNDED)
    if Measurement.get(console, unbounded, table).maximum > console.width:
        table.padding = (0, 0)
    least = sum(column.min_width or 0 for column in table.columns) + len(table.columns) - 1
    console.width = max(console.width, least)
    console.print(table, crop=False)
