"""Documents made from start to end, by the server or by a command: read, worded, pictures, file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streetsight.inference.pipeline import cores
from streetsight.models.card import Card
from streetsight.models.releases import search_path
from streetsight.service.auth.actor import Actor
from streetsight.service.bulletins.composing import Material, material_of
from streetsight.service.bulletins.document import Document
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.shots import Album
from streetsight.service.detections.looking import Looker
from streetsight.service.exports import refuse_more
from streetsight.service.files.opening import open_blobs
from streetsight.service.privacy.copies import open_copies
from streetsight.service.privacy.publishing import Publisher
from streetsight.service.releases.choosing import chosen
from streetsight.service.scoring.spans import Span
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database

Compose = Callable[[Material, Pen, Album], Document]


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What documents are made with. Attributes: card: of the release in force."""

    database: Database
    settings: Settings
    publisher: Publisher
    card: Card


def make(
    desk: Desk, actor: Actor, key: str, span: Span, pen: Pen, compose: Compose, most_pairs: int
) -> Document:
    """A document about a period. Pictures are made when the database is closed again: that takes its time.

    Raises:
        NoScheme, NotAdopted, CalendarLacksYear, TooManyRows, Busy
    """
    with desk.database.read() as session:
        material = material_of(session, desk.settings, actor, key, span, desk.card, most_pairs)
    cases = sum(len(each.facts.cases) for each in material.basis.subjects)
    refuse_more(cases, desk.settings.max_export_rows)
    return compose(material, pen, Album(desk.publisher, pen))


@contextmanager
def opened_desk(settings: Settings) -> Iterator[Desk]:
    """What a command makes documents with.

    Raises:
        SpokenError: when the database, the storage or the release cannot be used; says what to do.
    """
    with open_database(settings) as database:
        with database.read() as session:
            release = chosen(session, search_path())
        looker = Looker(release, settings.provider, calls=1, threads=cores())
        publisher = Publisher(
            open_blobs(settings), open_copies(settings), looker, settings.redaction_missing_classes,
            settings.max_copies_at_once,
        )  # fmt: skip
        yield Desk(database, settings, publisher, release.card)
