"""Pages: patrol duties of chiefs and leaders: who owes which outings in a month, what was done and missed."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from streetsight.models.language import SpokenError
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.candidates.routes import Given
from streetsight.service.dependencies import Id, Server
from streetsight.service.documents.reading import read_file
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.quotas import months, service
from streetsight.service.quotas.routes import Reader
from streetsight.service.quotas.rules import QuotaRules, example_files, rules_in_force
from streetsight.service.quotas.schemas import QuotaMonth
from streetsight.service.quotas.tables import QuotaRulesVersion
from streetsight.service.shops.months import month_of, span_of
from streetsight.service.shops.schemas import Month
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

MISSES, BEFORE = 20, 12


@router.get("/duties", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Reader, month: Annotated[Month | None, Query(), Given] = None,
    person: Annotated[Id | None, Query(), Given] = None,
) -> HTMLResponse:  # fmt: skip
    """A month of duties: each person's periods; of one person what shows that they were outside."""
    settings, language = server.settings, language_of_page(request)
    wanted, refused, duties = month or month_of(now(), settings.zone), "", list[QuotaMonth]()
    with server.database.read() as session:
        rules, version = rules_in_force(session), version_of(session, QuotaRulesVersion)
        try:
            duties = months.read_month(session, actor, None, wanted, settings, language)
        except SpokenError as error:  # no calendar: said here, where the rest of the page still helps
            refused = error.say(language)
        examples = {name: read_file(path, QuotaRules) for name, path in example_files().items()}
        return page(
            request, server, "duties.html", actor, duties=duties, refused=refused, month=wanted,
            months=_last_months(month_of(now(), settings.zone)), rules=rules, person=person,
            today=now().astimezone(settings.zone).date(),
            labels={each.code: each.label(language) for each in rules.quotas} if rules else {},
            version=VersionShown.of(version) if version else None,
            document=rules.model_dump(mode="json", exclude_defaults=True) if rules else None,
            examples={name: each.model_dump(mode="json", exclude_defaults=True)
                      for name, each in examples.items()},
            misses=service.list_misses(session, actor, None, MISSES, None).items,
            may_change=may(actor, Permission.ANALYSE) and actor.areas is None,
        )  # fmt: skip


@router.get("/duties/outing", response_class=HTMLResponse)
def show_outing(server: Server, request: Request, actor: Reader) -> HTMLResponse:
    """Write an outing of one's own down: where, when and what was seen."""
    return page(request, server, "outing.html", actor)


def _last_months(month: str) -> list[str]:
    found = [month]
    for _ in range(BEFORE):
        day = span_of(found[-1])[0]
        found.append(f"{day.year - (day.month == 1)}-{(day.month - 2) % 12 + 1:02}")
    return found
