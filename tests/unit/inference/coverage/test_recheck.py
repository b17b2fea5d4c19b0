"""What a later pass says about open places."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from benchmarks.recheck import GOOD, PERFECT, Detector, trial
from hypothesis import given, settings
from hypothesis import strategies as st

from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.coverage.recall import Recall, recall_of
from streetsight.inference.coverage.recheck import Recheck, recheck
from streetsight.inference.coverage.rules import PATH, RecheckRulesError, default_rules, read_rules
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Glimpse, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.card import Card, Size, SizeRecall
from streetsight.models.releases import Release
from streetsight.models.taxonomy import default_taxonomy

BuildFrame = Callable[..., PatrolFrame]
BuildSighting = Callable[..., Sighting]
RECALL = Recall(0.4, {"garbage": 0.85})
NORTHS = [index * 4.0 for index in range(12)]


@pytest.fixture(scope="module")
def before(plane: LocalPlane) -> BuildSighting:
    """What an earlier patrol saw, by default a heap."""

    def build(
        east: float = 2.0, north: float = 30.0, class_name: str = "garbage", gps_m: float = 0.5,
        last_seen: datetime | None = None, patrol: str = "earlier",
    ) -> Sighting:  # fmt: skip
        lon, lat = plane.to_lon_lat(np.array([east, north])).tolist()
        seen = tuple(
            Glimpse(f"{patrol} {index}", last_seen, 0.8, (0, 0, 50, 50), (1280, 720), None)
            for index in range(3)
        )
        return Sighting(
            f"{patrol} {class_name} at {east}, {north}", patrol, "d", class_name, seen, last_seen, last_seen,
            lon, lat, (0.2, 0.0, 0.2), (gps_m**2, 0.0, gps_m**2), "ground",
        )  # fmt: skip

    return build


@pytest.fixture(scope="module")
def later(before: BuildSighting) -> BuildSighting:
    """What the pass saw."""
    return lambda *where, **how: before(*where, **{"patrol": "later", **how})


def outcomes(
    earlier: Sequence[Sighting],
    frames: Sequence[PatrolFrame],
    seen: Sequence[Sighting] = (),
    recall: Recall = RECALL,
    present: float | None = 0.5,
) -> list[Recheck]:
    """Of the places of `earlier`, one each."""
    places = Places()
    places.add([*earlier, *seen])
    opened = [next(place for place in places if each in place.sightings) for each in earlier]
    known = None if present is None else {each.id: present for each in opened}
    return recheck(opened, places, "later", frames, recall, known)


def test_a_covering_pass_without_a_detection_says_gone(
    build_frame: BuildFrame, before: BuildSighting
) -> None:
    (result,) = outcomes([before()], [build_frame(north) for north in NORTHS])
    assert result.outcome == "gone"
    assert result.gone > 0.9
    assert len(result.used) >= 4
    assert {reason for _, reason in result.unused} <= {"too_far", "out_of_view"}


def test_a_detection_there_says_still_present(
    build_frame: BuildFrame, before: BuildSighting, later: BuildSighting
) -> None:
    frames = [build_frame(north) for north in NORTHS]
    same = later(2.5, 29.0)
    (result,) = outcomes([before()], frames, [same])
    assert result.outcome == "still_present"
    assert result.sighting_id == same.id
    assert result.gone < 0.05
    (similar,) = outcomes([before()], frames, [later(2.5, 29.0, "overflowing_bin")])
    assert similar.outcome == "still_present"  # the two are often confused
    (other,) = outcomes([before()], frames, [later(2.5, 29.0, "pothole")])
    assert other.outcome == "gone"


def test_a_neighbours_sighting_is_the_neighbours(
    build_frame: BuildFrame, before: BuildSighting, later: BuildSighting
) -> None:
    """The receiver is off by 5 m, as the other things tell: what is left stands 8 m north of what is gone."""
    frames = [build_frame(north) for north in NORTHS]
    row = [("garbage", 30.0), ("garbage", 38.0), ("pothole", 26.0), ("graffiti", 42.0)]
    earlier = [before(3.0, north, name, gps_m=3.0) for name, north in row]
    seen = [later(3.0, north - 5.0, name, gps_m=3.0) for name, north in row[1:]]
    gone, left, *_ = outcomes(earlier, frames, seen)
    assert (gone.outcome, left.outcome) == ("gone", "still_present")
    assert left.sighting_id == seen[0].id


@pytest.mark.parametrize(
    "how", [{"faults": ("too_dark",)}, {"heading_deg": None}, {"heading_deg": 180.0}, {"camera": None}]
)
def test_a_pass_that_does_not_show_the_place_says_not_seen(
    build_frame: BuildFrame, before: BuildSighting, how: dict[str, object]
) -> None:
    frames = [build_frame(north, **how) for north in NORTHS if north < 30]
    (result,) = outcomes([before()], frames)
    assert result.outcome == "not_seen"
    assert result.gone == pytest.approx(0.5)
    assert result.unused


def test_no_frames_or_no_position_say_not_seen(build_frame: BuildFrame, before: BuildSighting) -> None:
    assert [each.outcome for each in outcomes([before()], [])] == ["not_seen"]
    lost = replace(before(), lon=None, lat=None, located_by="nothing")
    assert [each.outcome for each in outcomes([lost], [build_frame(20.0)])] == ["not_seen"]
    assert recheck([], Places(), "later", [], RECALL) == []


def test_a_blind_detector_leaves_it_uncertain(build_frame: BuildFrame, before: BuildSighting) -> None:
    (result,) = outcomes([before()], [build_frame(north) for north in NORTHS], recall=Recall(0.1))
    assert result.outcome == "uncertain"


def test_two_answers_leave_it_uncertain(
    build_frame: BuildFrame, before: BuildSighting, later: BuildSighting
) -> None:
    """Of two alike 8 m apart one is left; nothing around tells how far the receiver is off."""
    frames = [build_frame(north, accuracy_m=5.0) for north in NORTHS]
    pair = [before(3.0, north, gps_m=5.0) for north in (26.0, 34.0)]
    results = outcomes(pair, frames, [later(3.0, 30.5, gps_m=5.0)])
    assert {each.outcome for each in results} == {"uncertain"}


def test_the_prior_is_the_classs_half_life(build_frame: BuildFrame, before: BuildSighting) -> None:
    frame = build_frame(heading_deg=180.0)
    assert frame.pose.taken_at is not None
    (aged,) = outcomes([before(last_seen=frame.pose.taken_at - timedelta(days=2))], [frame], present=None)
    assert aged.present_before == pytest.approx(0.5)
    (undated,) = outcomes([before()], [frame], present=None)
    assert undated.present_before == default_rules().prior_unknown


def test_what_passes_after_it_saw_changes_nothing(
    build_frame: BuildFrame, before: BuildSighting, later: BuildSighting
) -> None:
    """A run over many patrols asks each of them with all of them merged."""
    frames = [build_frame(north) for north in NORTHS]
    began = frames[0].pose.taken_at
    assert began is not None
    heap = before(last_seen=began - timedelta(days=2))
    new = later(2.5, 29.0, "overflowing_bin", last_seen=began + timedelta(seconds=10))
    again = before(2.4, 29.2, "overflowing_bin", last_seen=began + timedelta(days=3), patrol="last")
    heap_again = before(2.1, 30.1, last_seen=began + timedelta(days=3), patrol="last")
    (alone,) = outcomes([heap], frames, [new], present=None)
    (together,) = outcomes([heap], frames, [new, again, heap_again], present=None)
    assert alone.present_before == together.present_before == pytest.approx(0.5)
    assert alone.outcome == together.outcome == "still_present"
    assert together.sighting_id == new.id


def test_passes_add_up(build_frame: BuildFrame, before: BuildSighting) -> None:
    frames = [build_frame(north) for north in (16.0, 20.0)]
    (first,) = outcomes([before()], frames, recall=Recall(0.5), present=0.8)
    (second,) = outcomes([before()], frames, recall=Recall(0.5), present=1 - first.gone)
    assert 0.2 < first.gone < second.gone


@settings(max_examples=25)
@given(st.floats(-12, 12), st.floats(-20, 60), st.floats(0, 359))
def test_what_coverage_has_not_seen_is_never_gone(
    build_frame: BuildFrame, before: BuildSighting, east: float, north: float, heading: float
) -> None:
    frames = [
        build_frame(at, f"{at}", heading_deg=heading, heading_sigma_deg=0.1, accuracy_m=0.05) for at in NORTHS
    ]
    coverage, thing = Coverage(), before(east, north, gps_m=0.05)
    for frame in frames:
        coverage.add(frame, "p")
    (result,) = outcomes([thing], frames)
    assert thing.lon is not None
    assert thing.lat is not None
    if not coverage.seen(thing.lon, thing.lat):
        assert result.outcome in ("not_seen", "uncertain")


def with_sizes(card: Card, sizes: dict[Size, SizeRecall]) -> Card:
    """The card with these recalls by size on test photos, for every class."""
    (judged,) = (each for each in card.evaluations if each.part == "test")
    classes = tuple(each.model_copy(update={"recall_by_size": sizes}) for each in judged.classes)
    return card.model_copy(update={"evaluations": (judged.model_copy(update={"classes": classes}),)})


def test_recall_is_the_cards_held_back_where_boxes_are_few(release: Release) -> None:
    card = with_sizes(release.card, {})
    recall = recall_of(card)
    for each in card.evaluations[0].classes:
        if each.recall is not None:
            expected = (each.boxes * each.recall + 20 * 0.4) / (each.boxes + 20)
            assert recall.at(each.name, np.array(0.01)) == pytest.approx(expected)
    assert recall.at("never heard of", np.array([0.01, 0.5])).tolist() == [0.4, 0.4]


def test_recall_by_size_is_the_cards_where_it_has_it(release: Release) -> None:
    overall = float(recall_of(with_sizes(release.card, {})).at("garbage", np.array(0.02)))
    sized = recall_of(with_sizes(release.card, {"small": SizeRecall(boxes=80, recall=0.3)}))
    small, medium = sized.at("garbage", np.array([0.001, 0.02]))
    assert small == pytest.approx((80 * 0.3 + 20 * overall) / 100)
    assert medium == pytest.approx(overall)


def test_rules_name_real_classes_and_bad_files_are_refused(tmp_path: Path) -> None:
    rules = default_rules()
    known = set(default_taxonomy().names)
    assert set(rules.classes) | set().union(*rules.confused) <= known
    text = PATH.read_text(encoding="utf-8")
    for wrong, message in (
        (text.replace("gone_at = 0.8 ", "gone_at = 1.8 "), "gone_at"),
        ("surprise = 1\n" + text, "surprise"),
        (text.replace("useful_m = 25.0", ""), "useful_m"),
        ("[", "TOML|Expected|Invalid"),
    ):
        path = tmp_path / "rules.toml"
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(RecheckRulesError, match=message):
            read_rules(path)
    with pytest.raises(RecheckRulesError, match="absent"):
        read_rules(tmp_path / "absent.toml")


@pytest.mark.parametrize("detector", [PERFECT, GOOD])
def test_on_noisy_passes_gone_is_mostly_true_and_mostly_found(detector: Detector) -> None:
    rows = list(trial(0, detector))
    said = [row.gone for row in rows if row.result.outcome == "gone"]
    could = [row.result.outcome for row in rows if row.gone and row.shown]
    assert np.mean(said) >= 0.85
    assert could.count("gone") >= 0.75 * len(could)
