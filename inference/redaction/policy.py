"""What is redacted and how: numbers chosen on the validation photos of `benchmarks/redaction.py`."""

from dataclasses import dataclass
from typing import Literal

from streetsight.models.card import Card

Kind = Literal["plates", "people"]

CLASS_OF: dict[Kind, str] = {"plates": "license_plate", "people": "person"}
VEHICLES = frozenset({"car", "van", "truck", "bus", "motorcycle"})
PEOPLELESS = frozenset({"exposed_garbage", "broken_facility", "defacement"})
"""Conditions whose boxes should show things, not people: a veil is thinner over them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a picture is redacted. Whoever changes a number changes `version`: copies are kept under it.

    Lengths are shares of a box's height unless said otherwise.

    Attributes:
        min_score: plates from here on. Far below the threshold of display: a needless blur costs little.
        person_min_score: persons from here on: 98.8 % of heads for 14 % of the pixels; .35 gives 95.3 for 10.
        plate_margin: by which a plate's box grows on all sides.
        plate_cell: side of a mosaic's cell. A whole plate height leaves a stripe of a few colours.
        head_share: upper part of a person's box that is taken for the head, ...
        head_share_of_width: ... or so much of its width where that is more: people cut off or sitting.
        head_margin: by which that part grows, as a share of its own height.
        head_cells: cells across the shorter side of a head.
        second_look_min_score, second_looks: vehicles from this score on are looked at again, enlarged, the
            largest first: on the whole picture most plates are too small to be found.
        second_look_margin: by which a vehicle's box grows for that, as a share of its longer side.
        band_min_score, band_min_px, band_plate_score: vehicles so sure and so high on which no plate so sure
            was found get a mosaic over their lower part.
        band_top: where that part begins.
        band_cell: side of its cells: about a plate's height, so that wheels and kerb can still be told.
        veil_cells: cells along the longer side of a picture that is veiled as a whole.
        lead_cells: the same over its leads: enough to tell a heap or a hole, too few for a face, since
            somebody may stand in front of it, or be taken for it.
    """

    version: str = "2"
    min_score: float = 0.02
    person_min_score: float = 0.15
    plate_margin: float = 0.25
    plate_cell: float = 1.0
    head_share: float = 0.3
    head_share_of_width: float = 0.8
    head_margin: float = 0.15
    head_cells: int = 3
    second_look_min_score: float = 0.15
    second_looks: int = 12
    second_look_margin: float = 0.1
    band_min_score: float = 0.3
    band_min_px: float = 60.0
    band_plate_score: float = 0.25
    band_top: float = 0.45
    band_cell: float = 0.1
    veil_cells: int = 24
    lead_cells: int = 96

    @property
    def least_score(self) -> float:
        """From which on anything may matter."""
        return min(self.min_score, self.person_min_score)


def redactable(card: Card) -> frozenset[Kind]:
    """What a release has a class for, and so can redact."""
    return frozenset(kind for kind, name in CLASS_OF.items() if name in card.class_names)
