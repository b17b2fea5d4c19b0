"""Documents as they are written: TOML files, and the same as JSON over HTTP."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streetsight.models.validation import Faults
from streetsight.service.dependencies import Text
from streetsight.service.faults import Invalid

Document = TypeVar("Document", bound=BaseModel)
Name = Annotated[Text, Field(min_length=1, max_length=200)]


class DocumentRefused(Invalid):
    """A document that cannot be used; the message says what to mend."""

    code = "document_refused"


class Strict(BaseModel):
    """A part of a document: nothing unknown in it, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_file(path: Path, kind: type[Document]) -> Document:
    """A TOML file. Raises DocumentRefused, naming each entry that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DocumentRefused("{path} cannot be read: {reason}", path=path, reason=error) from error
    return read_content(content, kind)


def read_content(content: Any, kind: type[Document]) -> Document:
    """A document as parsed TOML or JSON. Raises DocumentRefused."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise DocumentRefused("it cannot be used: {problems}", problems=Faults.of(error, "file")) from error


def file_wanted(file: Path | None, example: str | None, known: dict[str, Path]) -> Path:
    """The file that a command names, or a shipped example. Raises DocumentRefused."""
    if (file is None) == (example is None):
        raise DocumentRefused("name a file, or an example with --example; one of them")
    if file is not None:
        return file
    if example not in known:
        raise DocumentRefused(
            "there is no example {name}; choose one of {names}", name=example, names=", ".join(known)
        )
    return known[example]
