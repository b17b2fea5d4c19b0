"""Which two pictures show a candidate: a panorama that tells where, a close-up that tells what.

Close-up: of the frames that the quality gate let through, one that holds the whole box with a margin, and
of those the one with the largest box. Panorama: the same, but the box takes about 3 % of the frame, so that
the street around it is in the picture; none when every frame is filled by it. Where two frames are as good,
the earlier id goes first, so that the order of sightings does not matter.
"""

import math
from collections.abc import Sequence

from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.rules.candidate import Picture
from streetsight.inference.rules.context import usable
from streetsight.inference.rules.settings import Pictures


def pictures_of(place: Place, rules: Pictures) -> list[Picture]:
    """Every usable glimpse as a picture."""
    return [picture(sighting, glimpse, rules.margin) for sighting, glimpse in usable(place)]


def picture(sighting: Sighting, glimpse: Glimpse, margin: float) -> Picture:
    """A glimpse measured: whether it is whole, and its share of the frame."""
    left, top, right, bottom = glimpse.box_xyxy_px
    width, height = glimpse.size_wh
    whole = (
        left >= margin * width
        and right <= (1 - margin) * width
        and top >= margin * height
        and bottom <= (1 - margin) * height
    )
    return Picture(sighting, glimpse, whole, (right - left) * (bottom - top) / (width * height))


def close_up(pictures: Sequence[Picture]) -> Picture:
    """The whole one with the largest box; without any whole one, the largest."""
    return min(pictures, key=lambda each: (not each.whole, -each.share, each.glimpse.frame_id))


def panorama(pictures: Sequence[Picture], close: Picture, rules: Pictures) -> Picture | None:
    """The best one with enough around it, another frame than the close-up's where there is one."""
    wide = [each for each in pictures if each.share <= rules.panorama_max_share]
    return min(wide, key=lambda each: (each.glimpse is close.glimpse, *fitness(each, rules)), default=None)


def fitness(each: Picture, rules: Pictures) -> tuple[bool, float, str]:
    """Sorts panoramas, the best first: whole, then near the best share (as a ratio), then by id."""
    return not each.whole, abs(math.log(max(each.share, 1e-9) / rules.panorama_share)), each.glimpse.frame_id
