"""Whether a list in a JSON column holds a text, on both databases."""

from typing import Any

from sqlalchemy import ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean


class holds(FunctionElement[bool]):
    """Condition that a JSON list of texts has this one among them."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any] | InstrumentedAttribute[Any], text: str) -> None:
        super().__init__(column, literal(text, String()))


@compiles(holds)
def _sqlite(element: holds, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(each, **options) for each in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = {text})"


@compiles(holds, "postgresql")
def _postgresql(element: holds, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} ? CAST({text} AS TEXT))"
