"""Pages: areas of the city and zones, on a map."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.inference.rules.settings import load_rules
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.areas import service as areas
from streetsight.service.areas.schemas import AreaVersionShown
from streetsight.service.auth.access import Analyst
from streetsight.service.dependencies import Server
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.zones import service as zones
from streetsight.service.zones.schemas import KindShown, ZoneVersionShown

router = APIRouter(include_in_schema=False)

VERSIONS = 20


@router.get("/admin/areas", response_class=HTMLResponse)
def show_areas(server: Server, request: Request, actor: Analyst) -> HTMLResponse:
    """The areas in force on a map; import others."""
    language = language_of_page(request)
    with server.database.read() as session:
        versions = areas.list_versions(session, VERSIONS, None).items
        return page(
            request, server, "admin_areas.html", actor, areas=areas.named_areas(session, actor),
            versions=[AreaVersionShown.of(each, language) for each in versions],
            number=areas.number_in_force(session),
        )  # fmt: skip


@router.get("/admin/zones", response_class=HTMLResponse)
def show_zones(server: Server, request: Request, actor: Analyst) -> HTMLResponse:
    """The zones in force on a map, to be drawn and changed."""
    language = language_of_page(request)
    rules = load_rules(server.settings.rules_file)
    with server.database.read() as session:
        rows = zones.list_versions(session, VERSIONS, None).items if actor.areas is None else ()
        versions = [ZoneVersionShown.of(each, language) for each in rows]
        return page(
            request, server, "admin_zones.html", actor, versions=versions,
            unused=[each for each in versions[0].reports if not each.used] if versions else [],
            kinds=[KindShown.of(name, kind, language) for name, kind in rules.zone_kinds.items()],
            classes={each.name: each.label(language) for each in default_taxonomy().classes},
        )  # fmt: skip
