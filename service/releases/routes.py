"""HTTP: releases, and which one is in force."""

from functools import partial

from fastapi import APIRouter, Request, Response

from streetsight.models.language import SpokenError
from streetsight.models.listing import list_registry
from streetsight.models.registry import Registry
from streetsight.models.releases import search_path
from streetsight.models.taxonomy import Language
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.dependencies import Cursor, Limit, Server
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.faults import Invalid
from streetsight.service.releases import redetecting, service
from streetsight.service.releases.choosing import newest_change
from streetsight.service.releases.schemas import (
    ActiveShown,
    ChangePage,
    ChangeShown,
    Promotion,
    RedetectAnswer,
    RedetectAsked,
    RedetectionShown,
    ReleaseShown,
)
from streetsight.service.resources import Resources

router = APIRouter(prefix="/v1/releases", tags=["releases"])


class NoName(Invalid):
    """A promotion without a release."""

    code = "no_name"


@router.get("")
def list_releases(_server: Server, _actor: Viewer, request: Request) -> list[ReleaseShown]:
    """All releases of the registry by name, damaged ones included."""
    language = language_of(request)
    return [ReleaseShown.of(each, language) for each in list_registry(Registry(search_path()))]


@router.get("/active")
def read_active(server: Server, _actor: Viewer, request: Request, response: Response) -> ActiveShown:
    """The release that this server looks at photos with. The ETag is the number of changes."""
    shown = _active(server, language_of(request))
    response.headers["ETag"] = etag(shown.number)
    return shown


@router.post("/active")
def change_active(
    server: Server, actor: Analyst, wanted: IfMatch, asked: Promotion, request: Request, response: Response
) -> ActiveShown:
    """Put another release in force. No request is dropped: what is under way ends with the one before."""
    if asked.action == "rollback":
        service.roll_back(server, actor, asked.name, asked.reason, wanted)
    elif asked.name is None:
        raise NoName("say which release: send its name")
    else:
        service.promote(server, actor, asked.name, asked.reason, asked.force, wanted)
    return read_active(server, actor, request, response)


@router.get("/active/history")
def list_changes(server: Server, _actor: Viewer, limit: Limit = 50, cursor: Cursor = None) -> ChangePage:
    """What was put in force, newest first: who, when, why."""
    with server.database.read() as session:
        found = service.list_changes(session, limit, cursor)
        return ChangePage(items=[*map(ChangeShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("/active/redetect", status_code=202)
def redetect(server: Server, actor: Analyst, asked: RedetectAsked) -> RedetectAnswer:
    """Look again at frames whose result is of another release. Fresh frames go first."""
    address = server.looker.release.address
    filters = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    key, count = server.writer.run(
        partial(redetecting.ask_again, actor=actor, filters=filters, address=address)
    )
    return RedetectAnswer(id=key, frames=count, release=address)


def _active(server: Resources, language: Language) -> ActiveShown:
    release, trouble = server.looker.release, None
    try:
        server.releases.check()
    except SpokenError as error:
        trouble = error.say(language)
    with server.database.read() as session:
        change, jobs = newest_change(session), redetecting.under_way(session)
        return ActiveShown(
            number=change.number if change else 0, name=release.card.name, address=release.address,
            change=ChangeShown.of(change) if change else None, trouble=trouble,
            redetections=[*map(RedetectionShown.of, jobs)],
        )  # fmt: skip
