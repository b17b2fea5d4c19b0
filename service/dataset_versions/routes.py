"""HTTP: dataset versions."""

from functools import partial

from fastapi import APIRouter, Request, Response

from streetsight.service.auth.access import Analyst
from streetsight.service.dataset_versions import service
from streetsight.service.dataset_versions.schemas import VersionAsked, VersionPage, VersionShown
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.errors import language_of

router = APIRouter(prefix="/v1/dataset-versions", tags=["dataset versions"])


@router.post("", status_code=202)
def ask(
    server: Server, actor: Analyst, asked: VersionAsked, request: Request, response: Response
) -> VersionShown:
    """Freeze what was decided as a dataset version, in the background: labels, and copies of the photos."""
    filters = asked.model_dump(mode="json", exclude={"note"}, exclude_none=True)
    version = server.writer.run(partial(service.ask, actor=actor, note=asked.note, filters=filters))
    response.headers["Location"] = f"/v1/dataset-versions/{version.id}"
    return VersionShown.of(version, language_of(request))


@router.get("")
def list_versions(
    server: Server, _actor: Analyst, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> VersionPage:
    """Dataset versions, newest first."""
    language = language_of(request)
    with server.database.read() as session:
        found = service.list_versions(session, limit, cursor)
        shown = [VersionShown.of(each, language) for each in found.items]
    return VersionPage(items=shown, next_cursor=found.next_cursor)


@router.get("/{version_id}")
def read_version(server: Server, _actor: Analyst, version_id: Id, request: Request) -> VersionShown:
    """One dataset version."""
    with server.database.read() as session:
        return VersionShown.of(service.find(session, version_id), language_of(request))


@router.delete("/{version_id}", status_code=204)
def delete_version(server: Server, actor: Analyst, version_id: Id) -> None:
    """Give up the photos that a version keeps. Releases that learned from them stay."""
    server.writer.run(partial(service.delete, actor=actor, version_id=version_id))
    service.remove_files(server.settings, version_id)
