"""Shots of an outing into patrols: posed, put in order, parted where the vehicle paused for long."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from streetsight.inference.patrol.inputs import Outing
from streetsight.inference.patrol.looking import Shot
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.positions.clock import ClockEstimate
from streetsight.inference.positions.findings import PatrolOutcome
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.posing import Posing, pose_frames
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.reading import ImageRgb
from streetsight.inference.rules.zones import ZoneMap
from streetsight.inference.sightings.builder import UNKNOWN_ACCURACY_M, SightingBuilder
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections

PAUSE_S = 1800.0  # a longer one parts two patrols


@dataclass(slots=True, eq=False)
class Frame:
    """A shot and what became of it.

    Attributes:
        outcome: "accepted", "duplicate", "masked" (taken inside a sensitive zone: nothing of it is kept), or
            why it could not be read.
        pose: None for what could not be read.
        patrol_id: None for what belongs to none.
        known: for tracking, coverage and re-check; None unless accepted.
    """

    shot: Shot
    outcome: str
    pose: Pose | None = None
    patrol_id: str | None = None
    known: PatrolFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Patrol:
    """The frames of one device on one outing, in order of time.

    Attributes:
        id: by device, beginning and first frame, so that the same photos give the same id.
        sightings: what was seen on it; empty until it was tracked.
    """

    id: str
    device: str
    path: str
    frames: tuple[Frame, ...]
    sightings: tuple[Sighting, ...] = ()

    @property
    def accepted(self) -> list[PatrolFrame]:
        return [each.known for each in self.frames if each.known]


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """What posing said of the shots of one camera of an outing."""

    outing: Outing
    camera: str | None
    outcomes: tuple[PatrolOutcome, ...]
    clocks: tuple[ClockEstimate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """All that an outing was made of.

    Attributes:
        frames: all of them, in the order of the files.
        patrols: in order of time.
    """

    frames: tuple[Frame, ...]
    patrols: tuple[Patrol, ...]
    posed: tuple[Posed, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Masking:
    """Where nothing may leave the patrol: zones, and the probability from which one counts."""

    zones: ZoneMap
    least: float

    def covers(self, pose: Pose) -> bool:
        """Whether a camera stood inside, as far as its position is known."""
        if pose.position is None:
            return False
        spread = (pose.position.accuracy_m or UNKNOWN_ACCURACY_M) ** 2
        lon, lat = pose.position.lon, pose.position.lat
        return self.zones.masking(lon, lat, (spread, 0.0, spread)) >= self.least


@dataclass(slots=True, eq=False)
class Parting:
    """Parts outings one after the other; a frame that was there before, in any of them, counts once."""

    class_names: tuple[str, ...]
    masking: Masking
    _known: set[str] = field(default_factory=set)

    def part(self, outing: Outing, shots: Sequence[Shot]) -> Parted:
        """The patrols of an outing, not tracked yet."""
        frames = [Frame(shot, shot.outcome) for shot in shots]
        patrols, posed = [], []
        for camera, members in by_camera(shots).items():
            posing = pose_frames([shots[index].result for index in members], outing.profile, outing.track)
            posed.append(Posed(outing, camera, posing.outcomes, posing.clocks))
            for index, pose in zip(members, posing.poses, strict=True):
                frames[index].pose = pose
            for run in runs_of(posing):
                patrol = self._patrol([frames[members[each]] for each in run], outing)
                patrols += [patrol] if patrol else []
        patrols.sort(key=lambda each: (_began(each) is None, _began(each) or 0.0, each.id))
        return Parted(tuple(frames), tuple(patrols), tuple(posed))

    def _patrol(self, run: list[Frame], outing: Outing) -> Patrol | None:
        for frame in run:
            self._settle(frame, outing.profile)
        kept = [each for each in run if each.outcome != "duplicate"]
        if not kept:
            return None
        patrol_id = _id(kept, outing.profile.device)
        for frame in kept:
            frame.patrol_id = patrol_id
        return Patrol(patrol_id, outing.profile.device, outing.path, tuple(kept))

    def _settle(self, frame: Frame, profile: DeviceProfile) -> None:
        result, pose = frame.shot.result, frame.pose
        assert result.sha256 is not None
        assert result.size_wh is not None
        assert pose is not None
        if "duplicate" in pose.problems or result.sha256 in self._known:
            frame.outcome = "duplicate"
            return
        self._known.add(result.sha256)
        if self.masking.covers(pose):
            frame.outcome = "masked"
            return
        faults = result.quality.faults if result.quality else ()
        found = result.detections if result.detections is not None and not faults else Detections.empty()
        frame.known = PatrolFrame(
            id=result.sha256, name=result.name, pose=pose, size_wh=result.size_wh, detections=found,
            class_names=self.class_names, camera=profile.camera,
            pitch_sigma_deg=profile.errors.pitch_deg, faults=faults,
        )  # fmt: skip


def by_camera(shots: Sequence[Shot]) -> dict[str | None, list[int]]:
    """Indices of the shots that could be read, by make and model; those that name none go with the most."""
    groups: dict[str | None, list[int]] = defaultdict(list)
    for index, shot in enumerate(shots):
        if shot.fault is None:
            groups[shot.result.metadata.camera].append(index)
    named = [camera for camera in groups if camera is not None]
    if None in groups and named:
        most = max(named, key=lambda camera: len(groups[camera]))
        groups[most] = sorted(groups[most] + groups.pop(None))
    return dict(groups)


def runs_of(posing: Posing) -> Iterator[list[int]]:
    """Indices of the frames of each patrol, in order of time; a second vehicle under the id is another."""
    of_two = [[], []]  # type: list[list[int]]
    for index in posing.order:
        of_two["two_devices" in posing.poses[index].problems].append(index)
    for indices in of_two:
        if not indices:
            continue
        run = indices[:1]
        for before, index in pairwise(indices):
            if _paused(posing.poses[before], posing.poses[index]):
                yield run
                run = []
            run.append(index)
        yield run


def track_patrol(
    patrol: Patrol,
    picture_of: Callable[[Frame], ImageRgb | None],
    going_on: Callable[[], object] = lambda: None,
) -> Patrol:
    """With what was seen on it.

    Args:
        picture_of: a small picture of a frame; asked for only where the frame's pose is unknown.
        going_on: called for every frame.
    """
    builder = SightingBuilder(patrol.id, patrol.device)
    sightings: list[Sighting] = []
    for frame in patrol.frames:
        going_on()
        if frame.known is None:
            continue
        image = picture_of(frame) if frame.known.view is None else None
        sightings += builder.add(frame.known, image)
    sightings += builder.close()
    return replace(patrol, sightings=tuple(sightings))


def pose_problems(frames: Iterable[Frame]) -> Counter[str]:
    """How many frames have which problem of time, position or heading."""
    return Counter(problem for each in frames if each.pose for problem in each.pose.problems)


def _paused(before: Pose, after: Pose) -> bool:
    """Whether the vehicle stopped patrolling in between; where its clock was set, time does not tell."""
    if before.taken_at is None or after.taken_at is None:
        return False
    set_between = ("clock_jump" in before.problems) != ("clock_jump" in after.problems)
    return not set_between and (after.taken_at - before.taken_at).total_seconds() > PAUSE_S


def _began(patrol: Patrol) -> float | None:
    times = [each.pose.taken_at for each in patrol.frames if each.pose and each.pose.taken_at]
    return min(times).timestamp() if times else None


def _id(frames: Sequence[Frame], device: str) -> str:
    first = frames[0]
    moment = first.pose.taken_at if first.pose else None
    when = f"{moment:%Y%m%dT%H%M%S%z}" if moment else "no-time"
    return f"{device}@{when}-{(first.shot.result.sha256 or '')[:8]}"
