"""On-board detection: what is on a frame, whether it is worth sending, and what of it may leave.

Imports no model and no image library until it is opened.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import AgentError, SpoolFull
from streetsight.service.agent.positions.places import Place
from streetsight.service.agent.settings import LookSettings
from streetsight.service.agent.spool import Frame, Looked, Spool
from streetsight.service.agent.troubles import Troubles

if TYPE_CHECKING:
    from streetsight.inference.reading import Photo

IDLE_S, AGAIN_S = 0.5, 5.0


class NotRedactable(AgentError):
    """The release has no class for what has to be covered."""


class NotCoverable(AgentError):
    """A photo that cannot be read, where nothing may leave uncovered."""


@dataclass(slots=True)
class _Latest:
    """Where and when the last frame that is sent was taken."""

    place: Place | None = None
    moment_s: float | None = None


class Looker:
    """A release, loaded, and how frames are looked at with it. One thread at a time gets in."""

    def __init__(self, settings: Callable[[], LookSettings]) -> None:
        """Load and warm up.

        Raises:
            ReleaseError: it cannot run here.
            NotRedactable: it cannot cover what the settings want covered.
        """
        from streetsight.inference.redaction.policy import CLASS_OF, redactable
        from streetsight.inference.session import Detector
        from streetsight.models.releases import load_release
        from streetsight.models.taxonomy import default_taxonomy

        self._settings, self._lock, self._latest = settings, threading.Lock(), _Latest()
        release = load_release(settings().release)
        if settings().redact and (missing := set(CLASS_OF) - redactable(release.card)):
            raise NotRedactable(
                "the release {release} cannot find {missing}, and nothing may leave unredacted; name another "
                "one as agent.look.release",
                release=release.card.address, missing=", ".join(sorted(missing)),
            )  # fmt: skip
        self._detector: Detector = Detector(release, threads=1, provider=settings().provider)
        classes, taxonomy = release.card.classes, default_taxonomy()
        self._wanted = np.array([each.id for each in classes if taxonomy[each.name].condition is not None])

    def look(self, photo: bytes, metadata: Mapping[str, Any]) -> Looked:
        """What is on a photo, and what may leave of it. One that cannot be read is for the server to refuse.

        Raises:
            NotCoverable: it cannot be read, and must be covered.
        """
        from streetsight.inference.reading import PhotoError, read_photo

        settings = self._settings()
        with self._lock:
            side = None if settings.redact else self._detector.card.input.size
            try:
                read = read_photo(photo, side)
            except PhotoError as error:
                if settings.redact:
                    raise NotCoverable("it cannot be read ({reason}), so faces and plates on it cannot be "
                                       "covered; it stays here", reason=error) from error  # fmt: skip
                return Looked(0)
            found = self._count(read) if settings.detect else 0
            thinned = settings.detect and not found and self._is_near(metadata)
            redacted = self._redacted(read) if settings.redact else None
            return Looked(found, thinned, redacted)

    def _count(self, photo: "Photo") -> int:
        """Things that may be an issue, as sure as the card demands; context such as cars does not count."""
        padded, placement = self._detector.fit(photo.image_rgb_hwc, photo.size_wh)
        found = self._detector.detect_fitted(padded, placement)
        return int(np.isin(found.class_ids, self._wanted).sum())

    def _is_near(self, metadata: Mapping[str, Any]) -> bool:
        """Whether a frame that is sent shows this stretch of street already; notes this one if not."""
        settings, place, moment_s = self._settings(), _place(metadata), _moment(metadata)
        latest = self._latest
        if place is not None and latest.place is not None:
            near = place.metres_from(latest.place) < settings.context_every_m
        else:
            known = moment_s is not None and latest.moment_s is not None
            near = known and abs(moment_s - latest.moment_s) < settings.context_every_s  # type: ignore[operator]
        if not near:
            self._latest = _Latest(place, moment_s)
        return near

    def _redacted(self, photo: "Photo") -> bytes:
        from streetsight.inference.redaction.finding import redact
        from streetsight.inference.redaction.publishing import published_jpeg, to_srgb

        covered = redact(photo.image_rgb_hwc, self._detector)
        return published_jpeg(to_srgb(covered.image_rgb_hwc, photo.colour_profile))


def _place(metadata: Mapping[str, Any]) -> Place | None:
    position = metadata.get("position")
    return Place(position["lon"], position["lat"], position["source"]) if position else None


def _moment(metadata: Mapping[str, Any]) -> float | None:
    taken_at = metadata.get("taken_at")
    return datetime.fromisoformat(taken_at).timestamp() if taken_at else None


class Looking:
    """The looker that the settings in force want, loaded when they first do: new ones count at once."""

    def __init__(self, settings: Callable[[], LookSettings]) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._looker: Looker | None = None
        self._loaded_for: tuple[str | None, str, bool] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether frames are looked at before they leave."""
        settings = self._settings()
        return settings.detect or settings.redact

    def looker(self) -> Looker:
        """Raises ReleaseError, NotRedactable."""
        settings = self._settings()
        wanted = settings.release, settings.provider, settings.redact
        with self._lock:
            if self._looker is None or self._loaded_for != wanted:
                self._looker, self._loaded_for = Looker(self._settings), wanted
            return self._looker


def look_at_all(
    spool: Spool,
    looking: Looking,
    stop: threading.Event,
    beat: Callable[[], None],
    troubles: Troubles,
    until_done: bool = False,
) -> None:
    """Look at what is new, the oldest first, until asked to stop, or until there is nothing left.

    Where the settings want no looking, what was to be looked at goes as it is.
    """
    while not stop.is_set():
        beat()
        try:
            if not looking.is_wanted:
                spool.let_go()
            frame = spool.next_new()
            if frame is not None:
                _look_at(spool, looking.looker(), frame)
            elif until_done:
                return
            troubles.over("looking")
        except SpokenError as error:
            troubles.has("looking", error)
            stop.wait(AGAIN_S)
            continue
        if frame is None:
            stop.wait(IDLE_S)


def _look_at(spool: Spool, looker: Looker, frame: Frame) -> None:
    photo = spool.photo(frame)
    if photo is None:
        return
    try:
        spool.replace(frame, looker.look(photo, frame.metadata))
    except NotCoverable as error:
        spool.mark(frame.id, "refused", reason=str(error))
    except SpoolFull as error:
        raise SpoolFull(
            "no room for the redacted copy of a frame; it waits ({reason})", reason=SpokenError(str(error))
        ) from error
