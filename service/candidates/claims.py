"""Which candidates a place may belong to: by the sightings that each of them rests on."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from streetsight.inference.places.sighting import Place
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.turns import locked

Found = TypeVar("Found")

MOST_IDS = 500  # in one query
DECIDED = ("confirmed", "rejected")
FOLLOWING = ("open", "gone")


def is_decided(candidate: Candidate) -> bool:
    """Whether a person has said what it is; then only persons change it."""
    return candidate.state in DECIDED or candidate.decided_at is not None


def follows(candidate: Candidate) -> bool:
    """Whether it follows its place by itself."""
    return candidate.state in FOLLOWING and candidate.decided_at is None


@dataclass(slots=True, eq=False)
class Claims:
    """Links between sightings and candidates, as they were before an assembly.

    Attributes:
        links: by sighting.
        candidates: all that have one, and those that they were merged into, by id.
        earlier: sighting -> earlier ones of the same boxes.
    """

    links: Mapping[str, list[CandidateSighting]]
    candidates: dict[str, Candidate]
    earlier: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls, session: ReadSession, sighting_ids: Collection[str], earlier: Mapping[str, frozenset[str]]
    ) -> "Claims":
        """Claims on these sightings. Nobody decides their candidates until the transaction ends."""
        ids = {*sighting_ids, *(each for own in sighting_ids for each in earlier.get(own, ()))}
        links = defaultdict[str, list[CandidateSighting]](list)
        for link in of_ids(session, CandidateSighting, CandidateSighting.sighting_id, ids):
            links[link.sighting_id].append(link)
        candidates: dict[str, Candidate] = {}
        wanted = {link.candidate_id for each in links.values() for link in each}
        while wanted:
            found = of_ids(session, Candidate, Candidate.id, wanted, lock=True)
            candidates |= {each.id: each for each in found}
            wanted = {each.merged_into_id for each in candidates.values() if each.merged_into_id}
            wanted -= candidates.keys()
        return cls(links, candidates, earlier)

    def on(self, place: Place, pinned: bool = False) -> Counter[str]:
        """Candidates that know sightings of a place, with how many.

        Args:
            pinned: only by what a person has put there.
        """
        counts: Counter[str] = Counter()
        for sighting in place.sightings:
            counts.update({
                self.end_of(link.candidate_id) for link in self._links_of(sighting.id)
                if link.pinned or not pinned
            })  # fmt: skip
        return counts

    def is_pinned(self, sighting_id: str) -> bool:
        """Whether a person has said where a sighting belongs."""
        return any(link.pinned for link in self._links_of(sighting_id))

    def end_of(self, candidate_id: str) -> str:
        """The candidate that this one is, after all mergers."""
        known = {candidate_id}
        while (into := self.candidates[candidate_id].merged_into_id) is not None and into not in known:
            candidate_id = into
            known.add(into)
        return candidate_id

    def _links_of(self, sighting_id: str) -> Iterator[CandidateSighting]:
        for own in {sighting_id, *self.earlier.get(sighting_id, ())}:
            yield from self.links.get(own, ())


def of_ids(
    session: ReadSession, row: type[Found], column: InstrumentedAttribute[str], ids: Iterable[str],
    *, lock: bool = False,
) -> list[Found]:  # fmt: skip
    """Rows whose column is one of many ids, in the order of ids; a query has room for so many only."""
    found: list[Found] = []
    for some in batched(sorted(ids), MOST_IDS):
        wanted = select(row).where(column.in_(some))
        found += session.scalars(locked(wanted.order_by(column)) if lock else wanted)
    return found


def batched(values: Sequence[Found], size: int) -> Iterator[Sequence[Found]]:
    """Slices of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))
