"""What is shown of documents by version."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel

from streetsight.service.documents.tables import Version

Document = TypeVar("Document", bound=BaseModel)


class VersionShown(BaseModel):
    """Who brought a version in, when and why."""

    number: int
    name: str
    made_by: str
    made_at: datetime
    reason: str

    @classmethod
    def of(cls, row: Version) -> "VersionShown":
        return cls(
            number=row.number, name=row.name, made_by=row.made_by, made_at=row.created_at, reason=row.reason
        )


class VersionPage(BaseModel):
    """Versions, newest first; `next_cursor` leads on, None at the end."""

    items: list[VersionShown]
    next_cursor: str | None


class InForce(BaseModel, Generic[Document]):
    """What is in force; version 0 and nothing while none was brought in."""

    version: VersionShown | None
    document: Document | None


class ExampleShown(BaseModel):
    """A shipped example; a city checks it before it goes by it."""

    name: str
    title: str
    source: str | None
