"""Pages: people and roles, tokens of devices, settings, the audit log, what left the system."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field, SecretStr

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.areas.service import named_areas
from streetsight.service.audit import service as audit
from streetsight.service.audit.routes import Auditor, require_everywhere
from streetsight.service.audit.schemas import EntryShown
from streetsight.service.audit.verifying import verify
from streetsight.service.auth.access import Admin, Analyst
from streetsight.service.auth.actor import PERSON_ROLES, Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.departures import service as departures
from streetsight.service.dependencies import Cursor, Id, Server, Text
from streetsight.service.devices.service import devices_seen, tokens_of
from streetsight.service.moments import morning
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.people.schemas import PersonRole, State
from streetsight.service.people.service import find_person, list_people, list_units
from streetsight.service.settings import PREFIX, Settings
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

SHOWN = 50
MARK = "••••••"


@router.get("/admin", response_class=RedirectResponse)
def begin(actor: Analyst) -> RedirectResponse:
    """To the first of these pages that somebody may open."""
    return RedirectResponse("/admin/people" if may(actor, Permission.ADMINISTER) else "/admin/areas", 303)


@router.get("/admin/people", response_class=HTMLResponse)
def show_people(
    server: Server, request: Request, actor: Admin, cursor: Cursor = None,
    role: PersonRole | None = None, state: State | None = None,
) -> HTMLResponse:  # fmt: skip
    """Who may sign in, and whom to invite."""
    with server.database.read() as session:
        found = list_people(session, actor, Role(role) if role else None, state, SHOWN, cursor)
        return page(
            request, server, "admin_people.html", actor, people=found.items, next_cursor=found.next_cursor,
            role=role or "", state=state or "", **_choices(session, actor),
        )  # fmt: skip


@router.get("/admin/people/{person_id}", response_class=HTMLResponse)
def show_person(server: Server, request: Request, actor: Admin, person_id: Id) -> HTMLResponse:
    """One person: role, areas, link, sessions, state."""
    with server.database.read() as session:
        person = find_person(session, person_id, actor)
        acts, _ = audit.list_entries(session, audit.Wanted(subject=f"person/{person_id}"), 10, None)
        return page(
            request, server, "admin_person.html", actor, person=person,
            acts=acts if actor.areas is None else [], **_choices(session, actor),
        )  # fmt: skip


@router.get("/admin/devices", response_class=HTMLResponse)
def show_devices(server: Server, request: Request, actor: Admin) -> HTMLResponse:
    """Every token of every device."""
    with server.database.read() as session:
        devices = [(device, tokens_of(session, device)) for device, _ in devices_seen(session, actor)]
        return page(request, server, "admin_devices.html", actor, devices=devices)


@router.get("/admin/settings", response_class=HTMLResponse)
def show_settings(server: Server, request: Request, actor: Admin) -> HTMLResponse:
    """What the operator chose. Secrets are not shown; they are changed where the server runs."""
    rows = settings_shown(server.settings, language_of_page(request))
    return page(request, server, "admin_settings.html", actor, rows=rows)


@router.get("/admin/audit", response_class=HTMLResponse)
def show_audit(
    server: Server, request: Request, actor: Auditor,
    cursor: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    by: Annotated[Text, Field(max_length=100)] = "",
    action: Annotated[str, Query(pattern=r"^([a-z_0-9]{1,30}(\.[a-z_0-9]{1,30})?)?$")] = "",
    subject: Annotated[Text, Field(max_length=200)] = "",
    since: str = "", until: str = "",
) -> HTMLResponse:  # fmt: skip
    """Who did what, newest first."""
    require_everywhere(actor)
    zone = server.settings.zone
    wanted = audit.Wanted(
        by or None, action or None, subject or None, _morning(since, zone), _morning(until, zone, days=1)
    )
    with server.database.read() as session:
        entries, next_cursor = audit.list_entries(session, wanted, SHOWN, cursor)
        return page(
            request, server, "admin_audit.html", actor, entries=[*map(EntryShown.of, entries)],
            next_cursor=next_cursor, by=by, action=action, subject=subject, since=since, until=until,
            head=audit.head(session),
        )  # fmt: skip


@router.get("/admin/audit/chain", response_class=HTMLResponse)
def check_chain(server: Server, request: Request, actor: Auditor) -> HTMLResponse:
    """Whether the log is as it was written: a fragment, because it reads all of it."""
    require_everywhere(actor)
    with server.exports.entered(), server.database.read() as session:
        verdict = verify(session)
    return page(request, server, "_chain.html", actor, verdict=verdict)


@router.get("/admin/departures", response_class=HTMLResponse)
def show_departures(
    server: Server, request: Request, actor: Auditor, cursor: Cursor = None,
    channel: departures.Channel | None = None, by: Annotated[Text, Field(max_length=100)] = "",
    since: str = "", until: str = "",
) -> HTMLResponse:  # fmt: skip
    """Who took what out of the system, newest first."""
    require_everywhere(actor)
    zone = server.settings.zone
    wanted = departures.Wanted(channel, by or None, _morning(since, zone), _morning(until, zone, days=1))
    with server.database.read() as session:
        found = departures.list_departures(session, wanted, SHOWN, cursor)
        return page(
            request, server, "admin_departures.html", actor, rows=found.items, next_cursor=found.next_cursor,
            channels=get_args(departures.Channel), channel=channel or "", by=by, since=since, until=until,
            wanted=wanted,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettingShown:
    """Attributes: name: of the environment variable; value: None where nothing is set."""

    name: str
    value: str | None
    description: str
    chosen: bool


def settings_shown(settings: Settings, language: Language) -> list[SettingShown]:
    """All settings in their order; of a secret only whether there is one."""
    return [
        SettingShown(
            f"{PREFIX}{name.upper()}", _written(getattr(settings, name)),
            translate(field.description or "", language), getattr(settings, name) != field.default,
        )
        for name, field in Settings.model_fields.items()
    ]  # fmt: skip


def _written(value: Any) -> str | None:
    if isinstance(value, SecretStr):
        return MARK
    return None if value is None or value == "" else str(value)


def _choices(session: ReadSession, actor: Actor) -> dict[str, Any]:
    return {"roles": PERSON_ROLES, "areas": named_areas(session, actor), "units": list_units(session)}


def _morning(day: str, zone: tzinfo, days: int = 0) -> datetime | None:
    """The beginning of a day, `2026-11-22`, or of one so many days later; None for no day."""
    try:
        return morning(date.fromisoformat(day), zone, days)
    except ValueError:
        return None
