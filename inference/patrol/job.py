"""The run itself: inputs, a look at every frame, patrols, places, verdicts, and what to write of them."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from streetsight.inference.console import progress_bar
from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.coverage.recall import recall_of
from streetsight.inference.patrol.copies import Copies
from streetsight.inference.patrol.ground import Ground, read_ground, whereabouts
from streetsight.inference.patrol.inputs import Outing, find_outings
from streetsight.inference.patrol.looking import Looker, Spacing
from streetsight.inference.patrol.memory import Memory, read_memory
from streetsight.inference.patrol.passing import answers_for, recheck_all, state_of
from streetsight.inference.patrol.patrols import Frame, Masking, Parting, Patrol, Posed, track_patrol
from streetsight.inference.patrol.rows import Row
from streetsight.inference.pipeline import Options, open_detector
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.reading import ImageRgb
from streetsight.inference.report import Tally
from streetsight.inference.rules.candidate import Candidate, Judgement
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.judge import judge, mask
from streetsight.models.card import Card
from streetsight.models.releases import Release
from streetsight.models.taxonomy import Language, default_taxonomy


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; see the help of `streetsight patrol`."""

    paths: tuple[str, ...]
    output: Path | None
    tracks: tuple[Path, ...]
    profiles: tuple[Path, ...]
    zones: Path | None
    rules: Path | None
    areas: Path | None
    image_zones: tuple[Path, ...]
    places: Path | None
    district: str | None
    spacing: Spacing
    options: Options
    annotated: bool
    provider: str
    language: Language
    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """A candidate with its number on map and list.

    Attributes:
        state: "open", or "gone" when a later pass found nothing there any more.
        rechecks: what later passes said, in order of time.
    """

    number: int
    candidate: Candidate
    state: str
    rechecks: list[Row]


@dataclass(slots=True, eq=False)
class Run:
    """All that a run found out; writers and report read it.

    Attributes:
        memory: what earlier runs saw, and then this one too.
        frames: of all outings, in the order of the files.
        leads: gravest first.
        hidden: frame id -> indices of its detections that lie in sensitive zones.
        kept: sightings of this run without those in sensitive zones.
    """

    card: Card
    ground: Ground
    memory: Memory
    outings: list[Outing]
    made_at: datetime
    frames: list[Frame] = field(default_factory=list)
    patrols: list[Patrol] = field(default_factory=list)
    posed: list[Posed] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    coverage: Coverage = field(default_factory=Coverage)
    judgement: Judgement = field(default_factory=lambda: Judgement((), (), 0))
    leads: list[Lead] = field(default_factory=list)
    hidden: dict[str, frozenset[int]] = field(default_factory=dict)
    kept: list[Sighting] = field(default_factory=list)
    image_of: dict[str, str] = field(default_factory=dict)

    @property
    def unplaced(self) -> int:
        """Sightings without a position where something is to be masked: nobody can say what they show."""
        if not any(kind.masks for kind in self.ground.zones.kinds_present.values()):
            return 0
        return sum(each.lon is None for each in self.kept)

    @property
    def failed(self) -> int:
        """How many photos and videos could not be read, or not to their end."""
        return sum(each.shot.fault is not None for each in self.frames)


def run(request: Request, release: Release) -> tuple[Run, Looker]:
    """Look at everything and judge it; nothing is written yet. What looked is given too, to look again.

    Raises:
        SpokenError: for requests that cannot be carried out, each kind with its own class.
        ReleaseError: when the release cannot run.
    """
    outings = find_outings(request.paths, request.profiles, request.tracks, request.output)
    ground = read_ground(
        request.rules, request.zones, request.areas, request.image_zones, whereabouts(outings)
    )
    memory = read_memory(request.places)
    detector, workers = open_detector(
        release, sum(len(each.photos) + 1000 * len(each.videos) for each in outings), request.provider
    )
    result = Run(release.card, ground, memory, outings, datetime.now().astimezone())
    with contextlib.closing(Copies()) as copies:
        looker = Looker(detector, workers, request.options, request.spacing, copies)
        _look(result, looker, request)
    _judge(result, release)
    return result, looker


def _look(result: Run, looker: Looker, request: Request) -> None:
    """Every frame of every outing, each outing parted, tracked and laid on the map before the next."""
    ground = result.ground
    parting = Parting(result.card.class_names, Masking(ground.zones, ground.rules.certainty.mask))
    total = (
        None if any(each.videos for each in result.outings) else sum(len(e.photos) for e in result.outings)
    )
    with progress_bar(Console(stderr=True), total, request.language, request.quiet) as advance:
        for outing in result.outings:
            shots = []
            for shot in looker.look(outing):
                shots.append(shot)
                advance()
            parted = parting.part(outing, shots)
            for frame in parted.frames:
                _count(result.tally, frame, result.card)
            result.frames += parted.frames
            result.posed += parted.posed
            for patrol in parted.patrols:
                result.patrols.append(track_patrol(patrol, partial(_picture, looker.copies)))
                _cover(result.coverage, patrol)
    result.image_of |= {each.known.id: each.known.name for each in result.frames if each.known}


def _picture(copies: Copies, frame: Frame) -> ImageRgb | None:
    return copies.read(frame.shot.copy) if frame.shot.copy else None


def _count(tally: Tally, frame: Frame, card: Card) -> None:
    """What was not used counts as a photo, and not by what it shows."""
    if frame.outcome != "accepted":
        tally.photos += 1
        tally.outcomes[frame.outcome] += 1
    else:
        tally.add(frame.shot.result, card)


def _cover(coverage: Coverage, patrol: Patrol) -> None:
    for frame in patrol.frames:
        if frame.known:
            quality = frame.shot.result.quality
            coverage.add(frame.known, patrol.id, quality.brightness if quality else None)


def _judge(result: Run, release: Release) -> None:
    """Sightings, old and new, into places; places into candidates; re-checks by the patrols of this run."""
    ground, memory, places = result.ground, result.memory, Places()
    new = [sighting for patrol in result.patrols for sighting in patrol.sightings]
    memory.devices |= {each.profile.device: each.profile for each in result.outings}
    places.add([*memory.sightings.values(), *new])
    context = Context(ground.zones, ground.rules, default_taxonomy(), memory.devices, ground.image_zones)
    visible = [rest for each in places if (rest := mask(each, context)[0]) is not None]
    kept = {sighting.id for place in visible for sighting in place.sightings}
    result.kept = [each for each in new if each.id in kept]
    result.hidden = _hidden(result.frames, [each for each in new if each.id not in kept])
    memory.add(result.kept, result.image_of)
    result.image_of = {**memory.image_of, **result.image_of}
    result.judgement = judge(places, ground.zones, ground.rules, memory.devices, ground.image_zones)
    wanted = {each.place.id: places[each.place.id] for each in result.judgement.candidates}
    recheck_all(list(wanted.values()), places, result.patrols, memory, recall_of(release.card))
    result.leads = [
        _lead(number, candidate, memory)
        for number, candidate in enumerate(result.judgement.candidates, start=1)
    ]


def _lead(number: int, candidate: Candidate, memory: Memory) -> Lead:
    answers = answers_for(candidate.place, memory)
    return Lead(number, candidate, state_of(candidate.place, answers), answers)


def _hidden(frames: Iterable[Frame], masked: Sequence[Sighting]) -> dict[str, frozenset[int]]:
    """Which detections belong to sightings that may not leave the patrol."""
    boxes: dict[str, set[tuple[float, ...]]] = {}
    for sighting in masked:
        for glimpse in sighting.glimpses:
            boxes.setdefault(glimpse.frame_id, set()).add(glimpse.box_xyxy_px)
    hidden = {}
    for frame in frames:
        if frame.known and frame.known.id in boxes:
            rows = [tuple(row) for row in frame.known.detections.boxes_xyxy_px.tolist()]
            hidden[frame.known.id] = frozenset(
                index for index, row in enumerate(rows) if row in boxes[frame.known.id]
            )
    return hidden
