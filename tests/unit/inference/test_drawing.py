"""Pictures a person would want to look at: everything inside, legible, in both languages."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageFont

from streetsight.inference.drawing import FONT, draw_detections, not_scorable_note, shrink
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.language import CATALOGUES
from streetsight.models.taxonomy import Language, default_taxonomy

BuildCard = Callable[..., Card]
Pixels = NDArray[np.uint8]


def detections(*values: tuple[float, float, float, float, float, int]) -> Detections:
    """Rows of xyxy, score, class."""
    table = np.array(values, np.float32).reshape(-1, 6)
    return Detections(table[:, :4].copy(), table[:, 4].copy(), table[:, 5].astype(np.int64))


def grey(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), 128, np.uint8)


@pytest.fixture
def card(build_card: BuildCard) -> Card:
    """One issue, one thing that is only context."""
    context = next(each.name for each in default_taxonomy().classes if each.condition is None)
    return build_card(names=("pothole", context))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size_wh", [(64, 48), (48, 64), (640, 360), (4000, 3000)])
def test_pictures_of_any_size(size_wh: tuple[int, int], language: Language, card: Card) -> None:
    width, height = size_wh
    image = grey(*size_wh)
    found = detections(
        (0, 0, width, height, 0.9, 0),
        (width * 0.4, height * 0.4, width * 0.6, height * 0.6, 0.8, 0),
        (width - 1, height - 1, width, height, 0.7, 1),
        (5, 5, 5, 5, 0.6, 1),  # nothing left of it after clipping
    )
    drawn = draw_detections(image, size_wh, found, card, language, note="not scorable")
    assert drawn.size == size_wh
    assert drawn.mode == "RGB"
    assert (np.asarray(drawn) != 128).any()
    assert (image == 128).all(), "the picture given is left alone"


def test_nothing_found_changes_nothing(card: Card) -> None:
    drawn = draw_detections(grey(640, 360), (640, 360), Detections.empty(), card)
    assert (np.asarray(drawn) == 128).all()


def test_boxes_of_the_original_lie_right_on_a_smaller_picture(card: Card) -> None:
    drawn = draw_detections(grey(1000, 750), (4000, 3000), detections((1600, 1200, 2400, 1800, 0.9, 0)), card)
    changed = np.asarray(drawn).astype(int)
    colour = [int(default_taxonomy()["pothole"].colour[i : i + 2], 16) for i in (1, 3, 5)]
    for x, y in [(400, 375), (600, 375), (500, 450)]:  # left, right, lower edge
        assert np.abs(changed[y - 1 : y + 2, x - 1 : x + 2] - colour).sum(axis=2).min() < 30


CORNERS = {
    "upper left": (0, 0, 60, 60), "upper right": (580, 0, 640, 60), "lower left": (0, 300, 60, 360),
    "lower right": (580, 300, 640, 360), "left of the picture's end": (630, 100, 640, 110),
}  # fmt: skip


@pytest.mark.parametrize("box", CORNERS.values(), ids=CORNERS.keys())
def test_labels_lie_inside_the_picture(box: tuple[float, float, float, float], card: Card) -> None:
    """As much of the label shows at a border as in the middle of a larger picture."""

    def label_pixels(place: tuple[float, float, float, float]) -> int:
        with_label = np.asarray(
            draw_detections(grey(640, 360), (640, 360), detections((*place, 0.9, 0)), card)
        )
        colour = [int(default_taxonomy()["pothole"].colour[i : i + 2], 16) for i in (1, 3, 5)]
        blended = 128 + (np.array(colour) - 128) * 235 / 255  # labels let a little through
        return int((np.abs(with_label.astype(float) - blended).max(axis=2) <= 6).sum())

    assert label_pixels(box) > 0.5 * label_pixels((300, 150, 302, 152))


def test_labels_keep_clear_of_each_other(card: Card) -> None:
    """Two things at nearly one place: both labels can be read, so more is covered than by one."""
    one = draw_detections(grey(640, 360), (640, 360), detections((200, 100, 300, 200, 0.9, 0)), card)
    pair = detections((200, 100, 300, 200, 0.9, 0), (202, 101, 300, 200, 0.8, 0))
    two = draw_detections(grey(640, 360), (640, 360), pair, card)

    def covered(picture: object) -> int:
        return int((np.asarray(picture) != 128).any(axis=2).sum())

    label = covered(one) - 104 * 104
    assert covered(two) > covered(one) + 0.6 * label


def test_shrink() -> None:
    image = grey(400, 300)
    assert shrink(image, 400) is image
    assert shrink(image, 200).shape == (150, 200, 3)
    assert shrink(grey(4000, 3), 100).shape == (1, 100, 3), "a side never becomes 0"


def test_note() -> None:
    assert not_scorable_note(("too_dark", "blurred"), "en") == "not scorable: too_dark, blurred"
    assert not_scorable_note(("too_dark", "blurred"), "zh") == "不可评分:过暗, 模糊"


def missing_glyphs(text: str) -> list[str]:
    """Characters that the font would draw as an empty box."""
    font = ImageFont.truetype(str(FONT), 32)
    unknown = bytes(font.getmask("\U000fffff"))
    return [each for each in text if not each.isspace() and bytes(font.getmask(each)) == unknown]


def test_a_character_the_font_lacks_is_noticed() -> None:
    assert missing_glyphs("\U000ffffe") == ["\U000ffffe"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_font_has_every_label(language: Language) -> None:
    taxonomy = default_taxonomy()
    labels = [each.label(language) for each in taxonomy.classes]
    labels += [each.label(language) for each in taxonomy.conditions.values()]
    assert missing_glyphs("".join([*labels, "0123456789.,:;"])) == []


def test_the_font_has_every_message() -> None:
    assert missing_glyphs((CATALOGUES / "general.zh.toml").read_text(encoding="utf-8")) == []
