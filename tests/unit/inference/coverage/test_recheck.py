"""What a later pass says about open places."""

import importlib.util
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.coverage.recall import SIZE_BOUNDS, Recall, recall_of
from streetsight.inference.coverage.recheck import OpenPlace, Shift, recheck
from streetsight.inference.coverage.rules import PATH, RecheckRulesError, default_rules, read_rules
from streetsight.inference.places.sighting import Glimpse, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.releases import Release
from streetsight.models.taxonomy import default_taxonomy

BuildFrame = Callable[..., PatrolFrame]
BuildPlace = Callable[..., OpenPlace]
RECALL = Recall(0.4, {"garbage": 0.85})
NORTHS = [index * 4.0 for index in range(12)]
BENCHMARK = Path(__file__).parents[4] / "benchmarks" / "recheck.py"


@pytest.fixture(scope="module")
def place(plane: LocalPlane) -> BuildPlace:
    def build(
        east: float = 2.0, north: float = 30.0, class_name: str = "garbage", sigma: float = 0.5,
        id: str = "heap", present: float | None = 0.5, last_seen: datetime | None = None,
    ) -> OpenPlace:  # fmt: skip
        lon, lat = plane.to_lon_lat(np.array([east, north])).tolist()
        return OpenPlace(id, class_name, lon, lat, (sigma**2, 0.0, sigma**2), last_seen, present)

    return build


@pytest.fixture(scope="module")
def sighting(plane: LocalPlane) -> Callable[..., Sighting]:
    def build(east: float, north: float, class_name: str = "garbage", glimpses: int = 3) -> Sighting:
        lon, lat = plane.to_lon_lat(np.array([east, north])).tolist()
        seen = tuple(
            Glimpse(f"{index}", None, 0.8, (0, 0, 50, 50), (1280, 720), None) for index in range(glimpses)
        )
        return Sighting(
            f"at {east}, {north}", "p", "d", class_name, seen, lon=lon, lat=lat, own_m2=(0.2, 0.0, 0.2)
        )

    return build


def test_a_covering_pass_without_a_detection_says_gone(build_frame: BuildFrame, place: BuildPlace) -> None:
    (result,) = recheck([place()], [build_frame(north) for north in NORTHS], [], RECALL)
    assert result.outcome == "gone"
    assert result.gone > 0.9
    assert len(result.used) >= 4
    assert {reason for _, reason in result.unused} <= {"too_far", "out_of_view"}


def test_a_detection_there_says_still_present(
    build_frame: BuildFrame, place: BuildPlace, sighting: Callable[..., Sighting]
) -> None:
    frames = [build_frame(north) for north in NORTHS]
    (result,) = recheck([place()], frames, [sighting(2.5, 29.0)], RECALL)
    assert result.outcome == "still_present"
    assert result.sighting_id == "at 2.5, 29.0"
    (similar,) = recheck([place()], frames, [sighting(2.5, 29.0, "overflowing_bin")], RECALL)
    assert similar.outcome == "still_present"  # the two are often confused
    (other,) = recheck([place()], frames, [sighting(2.5, 29.0, "pothole")], RECALL)
    assert other.outcome == "gone"


@pytest.mark.parametrize(
    "how", [{"faults": ("too_dark",)}, {"heading_deg": None}, {"heading_deg": 180.0}, {"camera": None}]
)
def test_a_pass_that_does_not_show_the_place_says_not_seen(
    build_frame: BuildFrame, place: BuildPlace, how: dict[str, object]
) -> None:
    frames = [build_frame(north, **how) for north in NORTHS if north < 30]
    (result,) = recheck([place()], frames, [], RECALL)
    assert result.outcome == "not_seen"
    assert result.gone == pytest.approx(0.5)
    assert result.unused


def test_no_frames_at_all_say_not_seen(place: BuildPlace) -> None:
    assert [each.outcome for each in recheck([place()], [], [], RECALL)] == ["not_seen"]
    assert recheck([], [], [], RECALL) == []


def test_a_blind_detector_leaves_it_uncertain(build_frame: BuildFrame, place: BuildPlace) -> None:
    (result,) = recheck([place()], [build_frame(north) for north in NORTHS], [], Recall(0.1))
    assert result.outcome == "uncertain"


def test_a_registered_pass_is_surer(
    build_frame: BuildFrame, place: BuildPlace, sighting: Callable[..., Sighting]
) -> None:
    frames = [build_frame(north, east_m=6.0, accuracy_m=5.0) for north in NORTHS]
    seen = [sighting(8.5, 30.0)]
    shift = Shift(-6.0, 0.0, (0.5, 0.0, 0.5))
    (asis,), (registered,) = (recheck([place()], frames, seen, RECALL, each) for each in (None, shift))
    assert registered.outcome == "still_present"
    assert asis.matched < registered.matched


def test_the_prior_is_the_classs_half_life(build_frame: BuildFrame, place: BuildPlace) -> None:
    frame = build_frame(heading_deg=180.0)
    assert frame.pose.taken_at is not None
    (aged,) = recheck(
        [place(present=None, last_seen=frame.pose.taken_at - timedelta(days=2))], [frame], [], RECALL
    )
    assert aged.present_before == pytest.approx(0.5)
    (undated,) = recheck([place(present=None)], [frame], [], RECALL)
    assert undated.present_before == default_rules().prior_unknown


def test_passes_add_up(build_frame: BuildFrame, place: BuildPlace) -> None:
    frames = [build_frame(north) for north in (16.0, 20.0)]
    (first,) = recheck([place(present=0.8)], frames, [], Recall(0.5))
    (second,) = recheck([place(present=1 - first.gone)], frames, [], Recall(0.5))
    assert 0.2 < first.gone < second.gone


@settings(max_examples=25)
@given(st.floats(-12, 12), st.floats(-20, 60), st.floats(0, 359))
def test_what_coverage_has_not_seen_is_never_gone(
    build_frame: BuildFrame, place: BuildPlace, east: float, north: float, heading: float
) -> None:
    frames = [
        build_frame(at, f"{at}", heading_deg=heading, heading_sigma_deg=0.1, accuracy_m=0.05) for at in NORTHS
    ]
    coverage, thing = Coverage(), place(east, north, sigma=0.05)
    for frame in frames:
        coverage.add(frame, "p")
    (result,) = recheck([thing], frames, [], RECALL)
    if not coverage.seen(thing.lon, thing.lat):
        assert result.outcome in ("not_seen", "uncertain")


def test_recall_is_the_cards_held_back_where_boxes_are_few(release: Release) -> None:
    recall = recall_of(release.card)
    (judged,) = (each for each in release.card.evaluations if each.part == "test")
    for each in judged.classes:
        if each.recall is not None:
            expected = (each.boxes * each.recall + 20 * 0.4) / (each.boxes + 20)
            assert recall.at(each.name, np.array(0.01)) == pytest.approx(expected)
    assert recall.at("never heard of", np.array([0.01, 0.5])).tolist() == [0.4, 0.4]


def test_recall_by_size_comes_from_evaluation(release: Release) -> None:
    rows = [
        {"kind": "size", "name": "small", "category": "garbage", "boxes": 80, "recall": 0.3},
        {"kind": "light", "name": "dim", "category": "garbage", "boxes": 80, "recall": 0.1},
    ]
    overall = float(recall_of(release.card).at("garbage", np.array(0.02)))
    small, medium = recall_of(release.card, rows).at("garbage", np.array([0.001, 0.02]))
    assert small == pytest.approx((80 * 0.3 + 20 * overall) / 100)
    assert medium == pytest.approx(overall)


def test_sizes_are_cut_where_evaluation_cuts_them() -> None:
    slices = pytest.importorskip("streetsight.training.evaluation.slices", exc_type=ImportError)
    assert tuple(low for _, low, _ in slices.SIZES[1:]) == SIZE_BOUNDS


def test_rules_name_real_classes_and_bad_files_are_refused(tmp_path: Path) -> None:
    rules = default_rules()
    known = set(default_taxonomy().names)
    assert set(rules.classes) | set().union(*rules.confused) <= known
    text = PATH.read_text(encoding="utf-8")
    for wrong, message in (
        (text.replace("gone_at = 0.75", "gone_at = 1.8"), "gone_at"),
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


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_recheck", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmarks_recheck"] = module
    spec.loader.exec_module(module)
    return module


def test_on_noisy_passes_gone_is_mostly_true_and_mostly_found(benchmark: ModuleType) -> None:
    rows = list(benchmark.trial(0))
    said = [gone for result, _, gone, _ in rows if result.outcome == "gone"]
    could = [result.outcome for result, _, gone, seen in rows if gone and seen]
    assert np.mean(said) >= 0.9
    assert could.count("gone") >= 0.7 * len(could)
