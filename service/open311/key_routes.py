"""HTTP: keys of systems that report through Open311, for administrators."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.areas.service import require_whole_city
from streetsight.service.auth.access import Admin
from streetsight.service.dependencies import Id, Server, Text
from streetsight.service.open311 import keys


def whole_city(actor: Admin) -> None:
    """Dependency: a system that reports does so everywhere. Raises WholeCityOnly."""
    require_whole_city(actor)


router = APIRouter(prefix="/v1/open311/keys", tags=["open311"], dependencies=[Depends(whole_city)])


class KeySent(BaseModel):
    """Attributes: name: of the system that will report; jurisdiction: the server's own when not given."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=100)]
    jurisdiction: Annotated[Text, Field(max_length=100)] | None = None


class KeyShown(BaseModel):
    """A key; what it is was shown once."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    jurisdiction: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(BaseModel):
    """Attributes: api_key: shown this once."""

    key: KeyShown
    api_key: str


class KeyList(BaseModel):
    """All keys, revoked ones too, by name."""

    items: list[KeyShown]


@router.post("", status_code=201)
def add_key(server: Server, actor: Admin, sent: KeySent) -> KeyMade:
    """Make a key for a system. It is shown this once."""
    ours = server.settings.open311_jurisdiction
    jurisdiction = ours if sent.jurisdiction is None else sent.jurisdiction
    row, key = server.writer.run(
        partial(keys.add_key, actor=actor, name=sent.name, jurisdiction=jurisdiction)
    )
    return KeyMade(key=KeyShown.model_validate(row), api_key=key)


@router.get("")
def list_keys(server: Server, actor: Admin) -> KeyList:
    """All keys."""
    with server.database.read() as session:
        return KeyList(items=[*map(KeyShown.model_validate, keys.list_keys(session))])


@router.delete("/{key_id}")
def revoke_key(server: Server, actor: Admin, key_id: Id) -> KeyShown:
    """Take a key back, at once. It stays on the list as evidence."""
    return KeyShown.model_validate(server.writer.run(partial(keys.revoke_key, actor=actor, key_id=key_id)))
