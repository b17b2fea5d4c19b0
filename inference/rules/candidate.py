"""What the rules make of places: candidates for a person, and what is no lead with the reason why."""

from collections import Counter
from dataclasses import dataclass

from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.rules.finding import Finding
from streetsight.inference.rules.settings import Level, SubType
from streetsight.models.language import translate
from streetsight.models.taxonomy import Code, Language

NOTICE = "A lead, not evidence: it counts only once a person has confirmed it."


@dataclass(frozen=True, slots=True)
class Proposal:
    """A sub-type with its codes, for a person to take or change.

    Attributes:
        name: key of the sub-type: in the rules, or the class's own name.
        code: in the scheme that the rules choose; None where that scheme has none, never by analogy.
        elsewhere: codes of the other schemes.
        component: the thing that is broken (部件), where the scheme numbers it.
        why: what speaks for it.
    """

    name: str
    sub_type: SubType
    code: Code | None
    elsewhere: tuple[Code, ...]
    component: Code | None
    why: Finding


@dataclass(frozen=True, slots=True)
class Area:
    """Ground area in square metres with limits that should hold it 19 times of 20."""

    m2: float
    low_m2: float
    high_m2: float


@dataclass(frozen=True, slots=True)
class Severity:
    """An order in which to look at candidates, no finding of law.

    Attributes:
        reasons: the level of the class first, then what raised it.
    """

    level: Level
    reasons: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A glimpse that was chosen to be shown.

    Attributes:
        whole: the box lies inside the frame with a margin.
        share: of the frame's area that the box takes.
    """

    sighting: Sighting
    glimpse: Glimpse
    whole: bool
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is shown of a candidate.

    Attributes:
        panorama: where it is; None when no frame shows enough around it.
        close_up: what it is.
        pair: the two pictures whose times and places were compared, for parking; else empty.
        pair_findings: what the pair meets, for parking; else empty.
    """

    panorama: Picture | None
    close_up: Picture
    pair: tuple[Picture, ...] = ()
    pair_findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A place and a condition that a person should look at.

    Attributes:
        place: without what was masked.
        findings: of all rules that were asked, what could not be measured included.
        proposal, alternatives: sub-types and codes, the likeliest first.
        area: None where the ground or the class does not tell.
        needs_second_look: how long it stood was not shown; an inspector or a second pass may.
        duplicates: ids of other candidates of the condition close by, which may be the same case.
        score: best detection score times the probability of the zone condition; an order, no probability.
    """

    place: Place
    condition: str
    findings: tuple[Finding, ...]
    proposal: Proposal
    alternatives: tuple[Proposal, ...]
    severity: Severity
    area: Area | None
    evidence: Evidence
    score: float
    needs_second_look: bool = False
    duplicates: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.place.id}:{self.condition}"

    @property
    def class_name(self) -> str:
        return self.place.class_name

    def notice(self, language: Language) -> str:
        """What must stand beside it wherever it is shown."""
        return translate(NOTICE, language)


@dataclass(frozen=True, slots=True, eq=False)
class NotLead:
    """A place that is no lead for a condition, kept with its reason.

    Attributes:
        condition: None for what is context in any case.
        reason: the finding that decided.
        findings: of all rules that were asked, that one included.
    """

    place: Place
    condition: str | None
    reason: Finding
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What became of all places.

    Attributes:
        candidates: gravest first, then by score, then id.
        not_leads: in the same order of ids whatever the order of the places.
        masked: sightings that were removed because they lie in sensitive zones; nothing else is kept of them.
    """

    candidates: tuple[Candidate, ...]
    not_leads: tuple[NotLead, ...]
    masked: int

    @property
    def reasons(self) -> dict[str, int]:
        """Why places are no leads: reason code -> how many, most frequent first."""
        return dict(Counter(each.reason.reason for each in self.not_leads).most_common())


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the rules of one condition say about a place.

    Attributes:
        findings: of all rules that were asked.
        refused: the finding by which it is no lead; None for a lead.
        sub_type: name of the proposed sub-type and what speaks for it; None for the usual one.
        zone: the zone that weighs, as (kind, name); None for none.
        probability: of the zone condition.
        area: on the ground.
    """

    findings: tuple[Finding, ...]
    refused: Finding | None = None
    sub_type: tuple[str, Finding] | None = None
    zone: tuple[str, str] | None = None
    probability: float = 1.0
    area: Area | None = None
    needs_second_look: bool = False
