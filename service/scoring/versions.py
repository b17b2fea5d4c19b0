"""Versions of schemes: bring one in, adopt it for months to come, find the one that a month goes by."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.files.blobs import digest_of
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.scoring.reading import Groupings, read_scheme
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.spans import Span
from streetsight.service.scoring.tables import ClosedPeriod, SchemeVersion
from streetsight.service.scoring.turns import settle
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now


class NoScheme(NotFound):
    """No scheme of this name, or no version of this number."""

    code = "no_scheme"


class NotAdopted(Conflict):
    """A month that no version of the scheme was adopted for."""

    code = "not_adopted"


class MonthClosed(Conflict):
    """A change of a month that is closed."""

    code = "month_closed"


@dataclass(frozen=True, eq=False)
class InForce:
    """A scheme and the number of its version."""

    scheme: Scheme
    number: int


def known_groupings(session: ReadSession) -> Groupings:
    """The city's groupings, by name with the codes of their members."""
    document = groupings_in_force(session)
    return {each.code: tuple(member.code for member in each.members) for each in document.groupings}


def bring_in(session: WriteSession, actor: Actor, scheme: Scheme, reason: str) -> SchemeVersion:
    """Keep a scheme as the next version of its name; a draft until it is adopted."""
    take_turn(session, "schemes")
    number = (session.scalar(_newest(scheme.key)) or 0) + 1
    text = scheme.model_dump_json()
    version = SchemeVersion(
        key=scheme.key, number=number, document=scheme.model_dump(mode="json"),
        sha256=digest_of(text.encode()), made_by=actor.name, reason=reason,
    )  # fmt: skip
    session.add(version)
    session.flush()
    details = {"reason": reason, "sha256": version.sha256}
    record(session, actor, "scheme.brought_in", f"scheme/{scheme.key}/{number}", details)
    return version


def adopt(session: WriteSession, actor: Actor, version: SchemeVersion, month: Span, reason: str) -> None:
    """Score by a version from a month on. Raises MonthClosed, when that month or a later one is closed."""
    settle(session, version.key)
    last = session.scalar(
        select(func.max(ClosedPeriod.ends)).where(
            ClosedPeriod.scheme == version.key, ClosedPeriod.grain == "month",
            ClosedPeriod.reopened_at.is_(None),
        )
    )  # fmt: skip
    if last is not None and month.starts < last:
        raise MonthClosed(
            "months before {first} are closed, and stay as they were scored; adopt it from {first} on, "
            "or reopen them first",
            first=f"{last:%Y-%m}",
        )
    version.adopted_from, version.adopted_at, version.adopted_by = month.starts, now(), actor.name
    details = {"from": month.name, "reason": reason}
    record(session, actor, "scheme.adopted", f"scheme/{version.key}/{version.number}", details)


def scheme_for(session: ReadSession, key: str, day: date) -> InForce:
    """The version that a period starting on a day goes by. Raises NoScheme, NotAdopted."""
    adopted = select(SchemeVersion).where(SchemeVersion.key == key, SchemeVersion.adopted_from <= day)
    newest = adopted.order_by(SchemeVersion.adopted_from.desc(), SchemeVersion.number.desc()).limit(1)
    version = session.scalars(newest).first()
    if version is None:
        if session.scalar(_newest(key)) is None:
            raise no_scheme(session, key)
        raise NotAdopted(
            "no version of the scheme {key} is adopted for {month}; adopt one with "
            "`streetsight score adopt {key} --from {month}`",
            key=key, month=f"{day:%Y-%m}",
        )  # fmt: skip
    return InForce(made(version), version.number)


def version_of(session: ReadSession, key: str, number: int | None) -> SchemeVersion:
    """A version of a scheme; None is the newest. Raises NoScheme."""
    found = select(SchemeVersion).where(SchemeVersion.key == key)
    if number is not None:
        found = found.where(SchemeVersion.number == number)
    version = session.scalars(found.order_by(SchemeVersion.number.desc()).limit(1)).first()
    if version is None:
        raise no_scheme(session, key)
    return version


def list_versions(session: ReadSession, key: str | None = None) -> list[SchemeVersion]:
    """Versions of all schemes, by name, the newest first."""
    found = select(SchemeVersion).order_by(SchemeVersion.key, SchemeVersion.number.desc())
    return list(session.scalars(found if key is None else found.where(SchemeVersion.key == key)))


def made(version: SchemeVersion) -> Scheme:
    """The scheme of a version; the same object for the same content."""
    if (scheme := _kept.get(version.sha256)) is None:
        scheme = Scheme.model_validate(version.document)
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)), None)  # the oldest; another thread may have been quicker
        _kept[version.sha256] = scheme
    return scheme


def try_out(session: ReadSession, content: object) -> Scheme:
    """A scheme that is not kept, for a preview. Raises SchemeRefused."""
    return read_scheme(content, known_groupings(session))


def no_scheme(session: ReadSession, key: str) -> NoScheme:
    """The error for a name that is none, with those that are."""
    names = ", ".join(sorted(set(session.scalars(select(SchemeVersion.key))))) or "-"
    return NoScheme(
        "there is no scheme {key}, or not this version of it; there are: {names}", key=key, names=names
    )


KEPT = 32
_kept: dict[str, Scheme] = {}


def _newest(key: str) -> Select[int]:
    return select(func.max(SchemeVersion.number)).where(SchemeVersion.key == key)
