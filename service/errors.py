"""Errors as HTTP answers: RFC 9457 problem details, one shape for every route, in one place.

    {"type": "urn:streetsight:problem:over_quota", "title": "Too Many Requests", "status": 429,
     "detail": "...", "code": "over_quota", "request_id": "...", "errors": [{"field": ..., "message": ...}]}

`code` is for programs, `detail` for people, in the language that they ask for. Kinds of domain errors have
their status here and nowhere else.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from streetsight.inference.reading import PhotoError
from streetsight.models.language import SpokenError, resolve_language, translate
from streetsight.models.releases import ReleaseError
from streetsight.models.taxonomy import Language
from streetsight.models.validation import field_of, say_fault
from streetsight.service import faults
from streetsight.service.store.database import spoken

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[SpokenError], int] = {
    faults.Invalid: 422,
    PhotoError: 422,
    faults.TooLarge: 413,
    faults.Unauthenticated: 401,
    faults.Forbidden: 403,
    faults.NotFound: 404,
    faults.Conflict: 409,
    faults.BadHeader: 400,
    faults.Gone: 410,
    faults.WrongProtocol: 412,
    faults.WrongType: 415,
    faults.Locked: 423,
    faults.WrongChecksum: 460,
    faults.Stale: 412,
    faults.NoVersion: 428,
    faults.OverQuota: 429,
    faults.Busy: 503,
    faults.Unavailable: 503,
    faults.StorageFull: 507,
    ReleaseError: 503,
}

TITLES = {460: "Checksum Mismatch"}  # of TUS, which no registry has

log = structlog.get_logger(__name__)


def status_of(error: SpokenError) -> int:
    """HTTP status of a domain error, by the nearest kind that it descends from."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def code_of(error: SpokenError) -> str:
    """What programs know the error by."""
    if isinstance(error, PhotoError):
        return error.outcome
    return error.code if isinstance(error, faults.ServiceError) else "unavailable"


def language_of(request: Request) -> Language:
    """What who asks reads: the first of Accept-Language that we speak, else English."""
    for part in request.headers.get("accept-language", "").split(","):
        try:
            return resolve_language(part.partition(";")[0].strip() or "en")
        except SpokenError:
            continue
    return "en"


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """A problem-details answer."""
    content = {
        "type": f"urn:streetsight:problem:{code}",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": getattr(request.state, "request_id", None),
        **members,
    }
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def install_error_handlers(app: FastAPI) -> None:
    """Every error of every route goes through these."""
    app.add_exception_handler(SpokenError, _spoken)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unforeseen)


def _spoken(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SpokenError)
    headers = {}
    if (wait := getattr(error, "retry_after_seconds", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    if isinstance(error, faults.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    members: dict[str, Any] = {}
    if isinstance(error, faults.Stale):
        headers["ETag"], members["version"] = f'"{error.version}"', error.version
    language = language_of(request)
    if isinstance(error, faults.Invalid) and (places := error.places(language)):
        members["errors"] = [{"field": place, "message": what} for place, what in places]
    said = error.say(language)
    return problem(request, status_of(error), code_of(error), said, headers, **members)


def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    language = language_of(request)
    errors = [{"field": field_of(each), "message": say_fault(each, language)} for each in error.errors()]
    detail = translate("the request does not have the form that is expected; see errors", language)
    return problem(request, 422, "malformed", detail, errors=errors)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
    code = "too_large" if error.status_code == 413 else phrase  # Python calls it otherwise in each version
    return problem(request, error.status_code, code, str(error.detail), error.headers)


def _database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SQLAlchemyError)
    try:
        said = spoken(error)
    except SQLAlchemyError:
        return _unforeseen(request, error)
    log.warning("database_failed", reason=str(error.__cause__ or error)[:500])
    return _spoken(request, said)


def _hung_up(request: Request, error: Exception) -> JSONResponse:
    """Links of vehicles break off all day: no fault of ours, and nobody is there to be answered."""
    log.info("client_hung_up", path=request.url.path)
    said = translate("the request ended too early", language_of(request))
    return problem(request, 400, "hung_up", said)


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", exc_info=error)
    detail = translate(
        "something went wrong here; the log has more under the request id", language_of(request)
    )
    known = {"X-Request-ID": request.state.request_id}  # this answer is sent past our middleware
    return problem(request, 500, "internal_error", detail, known)
