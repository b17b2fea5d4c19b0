"""HTTP: the page by which everybody can report. Open to all while the settings say so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import Field

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Server, Text
from streetsight.service.errors import language_of, status_of
from streetsight.service.reports import service
from streetsight.service.reports.forms import OpenToAll, PublicForm, open_to_all, read_said
from streetsight.service.reports.intake import check_stamp, file_with_photos, is_stamp, new_stamp
from streetsight.service.reports.page import STATIC, ReportPage, report_page
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import open_sealer

router = APIRouter(prefix="/report", tags=["reports"], dependencies=[Depends(open_to_all)])

Lang = Annotated[str, Field(max_length=20)]
KEPT = {"Cache-Control": "public, max-age=300"}


@router.get("", response_class=HTMLResponse)
def show(server: Server, request: Request, lang: Lang = "") -> HTMLResponse:
    """The form, in Chinese or English."""
    return _answer(
        server, _language(request, lang), ReportPage(stamp=new_stamp(open_sealer(server.settings)))
    )


@router.post("", response_class=HTMLResponse, status_code=201)
def send(server: Server, request: Request, form: PublicForm) -> HTMLResponse:
    """Send the form. What is wrong is said above it, with everything still filled in."""
    language, sealer = _language(request, form.fields.get("lang", "")), open_sealer(server.settings)
    try:
        check_stamp(sealer, form.fields.get("stamp", ""), form.fields.get("website", ""))
        said = read_said(form.fields, "citizen", "browser")
        filed = file_with_photos(server, said, form.photos, sealer)
    except SpokenError as error:
        sent = form.fields.get("stamp", "")
        stamp = sent if is_stamp(sealer, sent) else new_stamp(sealer)  # nobody waits twice
        page = ReportPage(stamp=stamp, problem=error.say(language), sent=form.fields)
        return _answer(server, language, page, status_of(error))
    return _answer(server, language, ReportPage(token=filed.token), 201)


@router.post("/state", response_class=HTMLResponse)
def ask(
    server: Server,
    request: Request,
    token: Annotated[Text, Form(max_length=100)],
    lang: Annotated[str, Form(max_length=20)] = "",
) -> HTMLResponse:
    """What became of the report of a code."""
    language = _language(request, lang)
    try:
        with server.database.read() as session:
            return _answer(server, language, ReportPage(progress=service.ask(session, token)))
    except SpokenError as error:
        page = ReportPage(stamp=new_stamp(open_sealer(server.settings)), problem=error.say(language))
        return _answer(server, language, page, status_of(error))


@router.get("/script.js", response_class=FileResponse)
def script(_open: OpenToAll) -> FileResponse:
    """The page's script."""
    return FileResponse(STATIC / "script.js", media_type="text/javascript", headers=KEPT)


@router.get("/style.css", response_class=FileResponse)
def style(_open: OpenToAll) -> FileResponse:
    """The page's style."""
    return FileResponse(STATIC / "style.css", media_type="text/css", headers=KEPT)


def _answer(server: Resources, language: Language, page: ReportPage, status: int = 200) -> HTMLResponse:
    settings = server.settings
    return report_page(page, service.categories_of(settings), settings.zone, language, status)


def _language(request: Request, chosen: str) -> Language:
    if chosen.startswith("zh"):
        return "zh"
    return "en" if chosen.startswith("en") else language_of(request)
