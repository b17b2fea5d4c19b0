"""Pages: tag photos and file what is on them; file an issue by hand."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Security
from fastapi.responses import HTMLResponse

from streetsight.models.codes import code_table
from streetsight.models.language import translate
from streetsight.models.taxonomy import DetectorClass, Language, default_taxonomy
from streetsight.service.areas.service import named_areas
from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Server
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.people.service import list_units
from streetsight.service.resources import Resources

router = APIRouter(include_in_schema=False)

Enterer = Annotated[Actor, Security(allowed(Permission.ENTER))]
MOST_TAGGED, MOST_PHOTOS = 200, 20
NAMED_KINDS = ("city", "district", "subdistrict", "community")
"""Areas that people know by name; grids are found by the map."""


@router.get("/tag", response_class=HTMLResponse)
def tag(server: Server, request: Request, actor: Enterer) -> HTMLResponse:
    """Photos in, boxes at once; confirm, correct, file."""
    return _page(server, request, actor, "tag.html", by_words=False, most=MOST_TAGGED)


@router.get("/file", response_class=HTMLResponse)
def file(server: Server, request: Request, actor: Enterer) -> HTMLResponse:
    """File an issue with any code, with or without a photo."""
    return _page(server, request, actor, "file.html", by_words=True, most=MOST_PHOTOS)


def taxonomy_shown(language: Language) -> dict[str, Any]:
    """Classes and conditions by name, for taxonomy.js."""
    taxonomy = default_taxonomy()
    return {
        "classes": [_class(each, taxonomy.leads_of(each.name), language) for each in taxonomy.classes],
        "conditions": {
            name: {"label": each.label(language), "colour": each.colour}
            for name, each in taxonomy.conditions.items()
        },
        "other": translate("other", language),
    }


def _class(entry: DetectorClass, leads: tuple[str, ...], language: Language) -> dict[str, Any]:
    codes = [
        {"scheme": each.scheme, "kind": each.kind, "code": each.code}
        for each in entry.codes if each.kind != "部件"  # what is filed is the fault, not the component
    ]  # fmt: skip
    return {
        "name": entry.name, "label": entry.label(language), "colour": entry.colour, "leads": leads,
        "condition": entry.condition, "codes": codes,
    }  # fmt: skip


def _page(server: Resources, request: Request, actor: Actor, template: str, **values: Any) -> HTMLResponse:
    with server.database.read() as session:
        areas = [each for each in named_areas(session, actor) if each.kind in NAMED_KINDS]
        units = list_units(session)
    schemes = dict.fromkeys(each.code.scheme for each in code_table())
    shown = taxonomy_shown(language_of_page(request))
    return page(
        request, server, template, actor, areas=areas, units=units, schemes=tuple(schemes), taxonomy=shown,
        **values,
    )  # fmt: skip
