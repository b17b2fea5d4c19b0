"""The groupings in force."""

from functools import cache

from streetsight.service.auth.actor import Actor
from streetsight.service.documents import service as documents
from streetsight.service.documents.service import kept, newest_id
from streetsight.service.groupings.reading import GroupingDocument, default_document
from streetsight.service.groupings.tables import GroupingVersion
from streetsight.service.store.sessions import ReadSession, WriteSession


def groupings_in_force(session: ReadSession) -> GroupingDocument:
    """The city's groupings; the shipped ones while it has none."""
    version_id = newest_id(session, GroupingVersion)
    if version_id is None:
        return _shipped()

    def made() -> GroupingDocument:
        return GroupingDocument.model_validate(session.get_one(GroupingVersion, version_id).document)

    return kept(version_id, made)


def bring_in(
    session: WriteSession, actor: Actor, document: GroupingDocument, reason: str, wanted: int | None
) -> GroupingVersion:
    """Put groupings in force as the next version; see `documents.service.bring_in`. Raises Stale."""
    return documents.bring_in(session, actor, GroupingVersion, "groupings", document, reason, wanted)


@cache
def _shipped() -> GroupingDocument:
    return default_document()
