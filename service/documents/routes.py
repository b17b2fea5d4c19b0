"""HTTP: what all documents by version share: the shipped examples, and every version so far."""

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from streetsight.service.auth.access import Analyst
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.documents import service
from streetsight.service.documents.reading import read_file
from streetsight.service.documents.schemas import ExampleShown, VersionPage, VersionShown
from streetsight.service.documents.tables import Version

Reason = Annotated[Text, Query(min_length=1, max_length=500, description="Why; stays with the version.")]
Number = Annotated[int, Path(ge=1, lt=2**31)]
ExampleName = Annotated[str, Path(pattern="^[a-z0-9-]{1,60}$")]


def add_document_routes(
    router: APIRouter,
    path: str,
    kind: type[BaseModel],
    table: type[Version],
    examples: Callable[[], dict[str, FilePath]],
) -> None:
    """Have a router answer for the examples and the versions of a document.

    Args:
        path: of the document, below the router's own prefix.
        kind: what the document is made of; has a `name` and a `source`.
        table: its versions.
        examples: the shipped files by name.
    """

    @router.get(f"{path}/examples")
    def list_examples(_actor: Analyst) -> list[ExampleShown]:
        """What is shipped to begin with."""
        found = {name: read_file(file, kind).model_dump() for name, file in examples().items()}
        return [
            ExampleShown(name=name, title=each["name"], source=each["source"]) for name, each in found.items()
        ]

    @router.get(f"{path}/examples/{{name}}", response_model=kind)
    def read_example(_actor: Analyst, name: ExampleName) -> BaseModel:
        """A shipped example, to change and bring in."""
        file = examples().get(name)
        if file is None:
            raise service.NoVersion("there is no example {name}", name=name)
        return read_file(file, kind)

    @router.get(f"{path}/versions")
    def list_versions(
        server: Server, _actor: Analyst, limit: Limit = 50, cursor: Cursor = None
    ) -> VersionPage:
        """All versions, newest first: who, when, why."""
        with server.database.read() as session:
            found = service.list_versions(session, table, limit, cursor)
        return VersionPage(items=[*map(VersionShown.of, found.items)], next_cursor=found.next_cursor)

    @router.get(f"{path}/versions/{{number}}", response_model=kind)
    def read_version(server: Server, _actor: Analyst, number: Number) -> BaseModel:
        """One version, as it came."""
        with server.database.read() as session:
            version = service.version_of(session, table, number)
        assert version is not None
        return kind.model_validate(version.document)
