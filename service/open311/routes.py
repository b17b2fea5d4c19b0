"""HTTP: Open311 GeoReport v2. Open to all while the settings say so; to report takes a key.

Every resource is there as `.json` and as `.xml`; without a suffix the Accept header decides.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from streetsight.inference.reading import PhotoError
from streetsight.models.language import SpokenError
from streetsight.service.departures.service import Leaving, count_on
from streetsight.service.dependencies import Server
from streetsight.service.errors import language_of, status_of
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.moments import Bound
from streetsight.service.open311 import keys
from streetsight.service.open311.rendering import Answer, Format, errors, rendered
from streetsight.service.open311.requests import (
    BadDates,
    Wanted,
    find_request,
    find_requests,
    show,
    show_update,
)
from streetsight.service.reports.categories import OTHER, Category
from streetsight.service.reports.forms import ReportForm, checked, read_form
from streetsight.service.reports.intake import file_with_photos
from streetsight.service.reports.limits import count_reports
from streetsight.service.reports.schemas import ReportSaid
from streetsight.service.reports.service import categories_of
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import open_sealer

Route = TypeVar("Route", bound=Callable[..., Any])

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGED = "2026-11-22T00:00:00Z"
MAX_IDS = 50
CONTACT_FIELDS = ("email", "phone")
DETAIL_FIELDS = ("media_url", "address_id", "account_id")


class NotServed(NotFound):
    """Open311 is turned off."""

    code = "not_served"


class NoJurisdiction(NotFound):
    """A jurisdiction that is not ours."""

    code = "no_jurisdiction"


class NoService(NotFound):
    """A service that is not offered."""

    code = "no_service"


class BadRequest(Invalid):
    """A request that lacks what GeoReport asks for."""

    code = "bad_request"


class GeoReport(APIRoute):
    """Answers errors as GeoReport has them, in the format that was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            form = _format(request)
            try:
                return await handle(request)
            except (NotServed, HTTPException) as error:
                status = error.status_code if isinstance(error, HTTPException) else 404
                return rendered(errors([(status, str(error))]), form, status)
            except RequestValidationError as error:
                problems = [(400, f"{each['loc'][-1]}: {each['msg']}") for each in error.errors()]
                return rendered(errors(problems), form, 400)
            except SpokenError as error:
                return _refused(request, error, form)

        return handled


async def served(server: Server, jurisdiction_id: str = "") -> None:
    """Dependency: Open311 is on, and this is its jurisdiction. Raises NotServed, NoJurisdiction."""
    if not server.settings.open311:
        raise NotServed("this server has no Open311; STREETSIGHT_OPEN311 turns it on")
    _require_jurisdiction(server, jurisdiction_id)


router = APIRouter(
    prefix="/open311/v2", tags=["open311"], route_class=GeoReport, dependencies=[Depends(served)]
)


def resource(path: str, method: str = "GET", status: int = 200) -> Callable[[Route], Route]:
    """A resource with and without the suffix of its format."""

    def register(route: Route) -> Route:
        for suffix in ("", ".json", ".xml"):
            router.add_api_route(path + suffix, route, methods=[method], status_code=status)
        return route

    return register


@resource("/discovery")
def discovery(server: Server, request: Request) -> Response:
    """Where the API is and what it speaks."""
    settings = server.settings
    base = f"{settings.public_url or str(request.base_url).rstrip('/')}/open311/v2"
    endpoint = {
        "specification": SPECIFICATION, "url": base, "changeset": CHANGED, "type": "production",
        "formats": ["text/xml", "application/json"],
    }  # fmt: skip
    content = {
        "changeset": CHANGED, "contact": "", "key_service": "", "endpoints": [endpoint],
    }  # fmt: skip
    return rendered(Answer("discovery", "", content), _format(request))


@resource("/services")
def list_services(server: Server, request: Request) -> Response:
    """What can be reported."""
    found = [_service(each, request) for each in categories_of(server.settings).all]
    return rendered(Answer("services", "service", found), _format(request))


@router.get("/services/{service_code}")
def read_service(server: Server, request: Request, service_code: str) -> Response:
    """What has to be said of a service: nothing beyond what every request has."""
    code = _stem(service_code)
    if categories_of(server.settings)[code] is None:
        raise NoService("there is no service {code}", code=code[:60])
    content = {"service_code": code, "attributes": []}
    return rendered(Answer("service_definition", "", content), _format(request))


@resource("/requests")
def list_requests(
    server: Server,
    request: Request,
    service_request_id: Annotated[str, Query(max_length=4000)] = "",
    service_code: Annotated[str, Query(max_length=4000)] = "",
    status: Annotated[str, Query(max_length=100)] = "",
    start_date: str = "",
    end_date: str = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Response:
    """Service requests, newest first: 90 days and 1000 of them at most."""
    wanted = Wanted(
        _split(service_request_id)[:MAX_IDS], _split(service_code), _split(status), _date(start_date),
        _date(end_date),
    )  # fmt: skip
    categories, language = categories_of(server.settings), language_of(request)
    with server.database.read() as session:
        found = find_requests(session, wanted, categories, language)
    shown = [show(each, categories, language) for each in found[(page - 1) * page_size : page * page_size]]
    _note(server, "requests", len(shown))
    return rendered(Answer("service_requests", "request", shown), _format(request))


@router.get("/requests/{request_id}")
def read_request(server: Server, request: Request, request_id: str) -> Response:
    """One service request."""
    categories, language = categories_of(server.settings), language_of(request)
    with server.database.read() as session:
        found = find_request(session, _stem(request_id), categories, language)
    _note(server, "requests", 1)
    return rendered(
        Answer("service_requests", "request", [show(found, categories, language)]), _format(request)
    )


@resource("/requests", "POST", status=201)
async def report(server: Server, request: Request) -> Response:
    """Report something: urlencoded, or multipart with photos as `photo`. Takes an api_key."""
    async with read_form(request, server) as form:
        return await anyio.to_thread.run_sync(_report, server, request, form)


@router.get("/tokens/{token}")
def read_token(server: Server, request: Request, token: str) -> Response:
    """The request of a token. Requests are made at once here, so a token is the request's id."""
    categories, language = categories_of(server.settings), language_of(request)
    with server.database.read() as session:
        found = find_request(session, _stem(token), categories, language)
    content = [{"service_request_id": found.id, "token": found.id}]
    return rendered(Answer("service_requests", "request", content), _format(request))


@resource("/servicerequestupdates")
def list_updates(server: Server, request: Request, start_date: str = "", end_date: str = "") -> Response:
    """The latest change of each request, as FixMyStreet's extension has it; oldest change first."""
    start, end = _date(start_date), _date(end_date)
    categories, language = categories_of(server.settings), language_of(request)
    with server.database.read() as session:
        found = find_requests(session, Wanted(), categories, language)
    changed = sorted(found, key=lambda each: (each.updated_at, each.id))
    shown = [
        show_update(each) for each in changed
        if (start is None or each.updated_at >= start) and (end is None or each.updated_at <= end)
    ]  # fmt: skip
    _note(server, "servicerequestupdates", len(shown))
    return rendered(Answer("service_request_updates", "request_update", shown), _format(request))


def _report(server: Resources, request: Request, form: ReportForm) -> Response:
    fields = form.fields
    _require_jurisdiction(server, fields.get("jurisdiction_id", ""))
    with server.database.read() as session:
        key = keys.recognise(session, fields.get("api_key", ""), server.settings.open311_jurisdiction)
    count_reports(server, {f"key {key.id[-12:]}": server.settings.open311_per_key})
    said = _said(server, fields, key.name)
    filed = file_with_photos(server, said, form.photos, open_sealer(server.settings))
    server.writer.run(partial(keys.mark_used, key_id=key.id))
    content = [{"service_request_id": filed.report.id, "service_notice": None, "account_id": None}]
    return rendered(Answer("service_requests", "request", content), _format(request), 201)


def _said(server: Resources, fields: Any, system: str) -> ReportSaid:
    """A report from GeoReport's fields. Raises BadRequest, BadReport."""
    code = fields.get("service_code", "")
    if categories_of(server.settings)[code] is None:
        raise BadRequest("service_code {code} is not one of GET services", code=repr(code[:60]))
    place = {"lon": fields.get("long"), "lat": fields.get("lat"), "source": "open311"}
    placed = "lat" in fields and "long" in fields
    if not placed and "address_string" not in fields and "address_id" not in fields:
        raise BadRequest("say where: lat and long, or address_string, or address_id")
    attributes = {name: value for name, value in fields.items() if name.startswith("attribute[")}
    told = {name: fields[name] for name in DETAIL_FIELDS if name in fields}
    device = fields.get("device_id") or fields.get("deviceid")  # FixMyStreet leaves out the line
    named = " ".join(filter(None, (fields.get("first_name"), fields.get("last_name"))))
    return checked(
        {
            "source": "open311", "category": code, "place": place if placed else None,
            "text": fields.get("description") or "\n".join(attributes.values()),
            "address": fields.get("address_string") or fields.get("address_id"),
            "contact": {"name": named or None, **{name: fields.get(name) for name in CONTACT_FIELDS}},
            "details": told | attributes | {"system": system} | ({"device_id": device} if device else {}),
        }
    )  # fmt: skip


def _require_jurisdiction(server: Resources, jurisdiction: str) -> None:
    ours = server.settings.open311_jurisdiction
    if jurisdiction and jurisdiction != ours:
        raise NoJurisdiction("jurisdiction_id {id} is not served here", id=jurisdiction[:100])


def _service(category: Category, request: Request) -> dict[str, Any]:
    language = language_of(request)
    return {
        "service_code": category.code,
        "service_name": category.label(language),
        "description": category.label(language),
        "metadata": False,
        "type": "realtime",
        "keywords": ",".join(each.replace(",", " ") for each in category.aliases),
        "group": category.condition or OTHER,
    }


def _refused(request: Request, error: SpokenError, form: Format) -> Response:
    """GeoReport says 400 for what cannot be used; everything else has its usual status."""
    status = 400 if isinstance(error, (Invalid, PhotoError)) else status_of(error)
    answer = rendered(errors([(status, error.say(language_of(request)))]), form, status)
    if (wait := getattr(error, "retry_after_seconds", None)) is not None:
        answer.headers["Retry-After"] = str(max(1, round(wait)))
    return answer


def _format(request: Request) -> Format:
    path = request.url.path
    if path.endswith(".xml"):
        return "xml"
    return "xml" if not path.endswith(".json") and "xml" in request.headers.get("accept", "") else "json"


def _stem(name: str) -> str:
    return name.removesuffix(".json").removesuffix(".xml")


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _note(server: Resources, what: str, items: int) -> None:
    if items:
        server.writer.run(partial(count_on, actor=None, leaving=Leaving("open311", what, items)))


def _date(text: str) -> datetime | None:
    """A W3C date with its zone. Raises BadDates."""
    if not text:
        return None
    try:
        return TypeAdapter(Bound).validate_python(text)
    except ValidationError as error:
        raise BadDates(
            "{text} is no date with a zone; expected 2026-05-01T08:00:00Z", text=text[:50]
        ) from error
