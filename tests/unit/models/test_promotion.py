"""What stands against a promotion is said completely, with numbers, in both languages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streetsight.models.card import Parity
from streetsight.models.comparison import Comparison, LeakCheck, Row
from streetsight.models.promotion import lacks, objections, refusal
from streetsight.models.releases import Release, ReleaseError, load_release

pytestmark = pytest.mark.training  # the releases are made with onnx

MakeRelease = Callable[..., Path]
MakeEvidence = Callable[..., Comparison]


@pytest.fixture
def old(make_complete: MakeRelease, tmp_path: Path) -> Release:
    return load_release(make_complete(tmp_path, "old"))


@pytest.fixture
def new(make_complete: MakeRelease, tmp_path: Path) -> Release:
    return load_release(make_complete(tmp_path, "new"))


def said(new: Release, old: Release | None, evidence: Comparison | None) -> list[str]:
    return [str(each) for each in objections(new, old.address if old else None, evidence)]


def rows_with(evidence: Comparison, name: str, **changes: object) -> list[Row]:
    return [
        Row.model_validate({**each.model_dump(), **changes}) if each.name == name else each
        for each in evidence.rows
    ]


def test_nothing_stands_against_a_release_that_is_no_worse(
    new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    assert said(new, old, make_evidence(old, new)) == []


def test_the_first_champion_needs_no_comparison(new: Release) -> None:
    assert said(new, None, None) == []


def test_without_evidence_the_command_to_run_is_said(new: Release, old: Release) -> None:
    (reason,) = said(new, old, None)
    assert f"no comparison with the release in force, {old.address}" in reason
    assert "models compare new" in reason


@pytest.mark.parametrize("name", ["mean", "exposed_garbage", "garbage"])
def test_worse_beyond_the_interval_is_refused_with_numbers(
    name: str, new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    evidence = make_evidence(old, new)
    worse = rows_with(evidence, name, challenger=0.4, low=-0.18, high=-0.02, p_worse=0.005)
    (reason,) = said(new, old, make_evidence(old, new, rows=worse))
    assert reason.startswith(f"{name} is worse: AP50 0.400 against 0.500, difference -0.100")
    assert "-0.180 to -0.020 (50 boxes in 20 groups), more than chance among 5 figures" in reason


def test_worse_by_a_chance_that_one_of_many_figures_has_is_no_reason(
    new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    evidence = make_evidence(old, new)
    changes = {"challenger": 0.4, "low": -0.18, "high": -0.02, "p_worse": 0.012}
    rows = rows_with(evidence, "garbage", **changes)
    assert next(row for row in rows if row.name == "garbage").verdict == "worse"
    assert said(new, old, make_evidence(old, new, rows=rows)) == []
    alone = [each for each in rows if each.name != "mean" and each.name != "pothole"]
    (reason,) = said(new, old, make_evidence(old, new, rows=alone))
    assert reason.startswith("garbage is worse"), "0.012 is less than 5 % of one in three"


@pytest.mark.parametrize(("name", "high"), [("garbage", 0.001), ("garbage", 0.0), ("car", -0.1)])
def test_worse_within_the_interval_or_in_context_is_no_reason(
    name: str, high: float, new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    rows = rows_with(make_evidence(old, new), name, challenger=0.3, low=-0.4, high=high, p_worse=0.0)
    assert said(new, old, make_evidence(old, new, rows=rows)) == []


@pytest.mark.parametrize(("boxes", "groups"), [(19, 20), (50, 4)])
def test_a_condition_that_was_hardly_judged_is_refused(
    boxes: int, groups: int, new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    rows = rows_with(make_evidence(old, new), "exposed_garbage", boxes=boxes, groups=groups)
    (reason,) = said(new, old, make_evidence(old, new, rows=rows))
    assert f"exposed_garbage was hardly judged: {boxes} boxes in {groups} groups" in reason


def test_a_condition_that_was_not_judged_at_all_is_refused(
    new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    rows = [each for each in make_evidence(old, new).rows if each.name != "broken_facility"]
    (reason,) = said(new, old, make_evidence(old, new, rows=rows))
    assert "broken_facility was hardly judged: 0 boxes in 0 groups" in reason


def test_classes_that_are_missing_are_named(
    old: Release, make_complete: MakeRelease, make_evidence: MakeEvidence, tmp_path: Path
) -> None:
    other = load_release(make_complete(tmp_path, "other", classes=("garbage", "car")))
    (reason,) = said(other, old, make_evidence(old, other))
    assert "trained on other classes: it lacks pothole" in reason


LEAKS = {
    "photos": (
        LeakCheck(proof="photo list", shared_photos=2, photos=("a/1.jpg", "a/2.jpg")),
        r"2 photos \(a/1.jpg, a/2.jpg\) and 0 groups \(-\)",
    ),
    "groups": (
        LeakCheck(proof="recomputed split", shared_groups=1, groups=("bridge",)),
        r"0 photos \(-\) and 1 groups \(bridge\)",
    ),
    "unknown": (LeakCheck(proof="none"), "cannot show that none of the judged photos were trained on"),
}


@pytest.mark.parametrize(("leak", "message"), LEAKS.values(), ids=LEAKS.keys())
def test_leaks_and_what_cannot_be_shown_are_refused(
    leak: LeakCheck, message: str, new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    evidence = make_evidence(old, new, leak=leak)
    with pytest.raises(ReleaseError, match=message):
        raise refusal("new", objections(new, old.address, evidence))


@pytest.mark.parametrize(
    ("precision", "score", "box", "fine"),
    [
        ("float32", 1e-3, 0.1, True), ("float32", 1.1e-3, 0.0, False), ("float32", 0.0, 0.11, False),
        ("float32", float("nan"), 0.0, False), ("int8", 0.4, 122.0, True), ("int8", 0.9, 0.0, False),
    ],
)  # fmt: skip
def test_parity_has_a_tolerance_for_each_precision(
    precision: str, score: float, box: float, fine: bool,
    make_complete: MakeRelease, tmp_path: Path,
) -> None:  # fmt: skip
    parity = Parity(photos=16, max_score_difference=score, max_box_difference_px=box)
    release = load_release(make_complete(tmp_path, "new"))
    card = release.card.model_copy(update={"parity": parity, "precision": precision})
    reasons = said(Release(release.onnx, card), None, None)
    assert [reason.startswith("parity fails: on 16 photos") for reason in reasons] == ([] if fine else [True])


INCOMPLETE = {
    "threshold_rule": {"threshold_rule": ""},
    "data": {"data": ()},
    "training": {"training": None},
    "evaluations.val, evaluations.test": {"evaluations": ()},
    "parity": {"parity": None},
    "limits": {"limits": ()},
}


@pytest.mark.parametrize(("missing", "changes"), INCOMPLETE.items(), ids=INCOMPLETE.keys())
def test_what_a_card_lacks_is_named(
    missing: str, changes: dict[str, object], make_complete: MakeRelease, tmp_path: Path
) -> None:
    release = load_release(make_complete(tmp_path, "new", **changes))
    assert ", ".join(lacks(release.card)) == missing
    assert said(release, None, None) == [
        f"the card is incomplete: {missing} missing; `streetsight export` writes all of it"
    ]


def test_the_first_champion_must_show_what_it_was_trained_on(new: Release) -> None:
    assert new.card.training is not None
    training = new.card.training.model_copy(update={"trained_on_sha256": None})
    release = Release(new.onnx, new.card.model_copy(update={"training": training}))
    (reason,) = said(release, None, None)
    assert "cannot show what it was trained on" in reason


def test_evidence_about_another_card_or_part_does_not_count(
    new: Release, old: Release, make_evidence: MakeEvidence
) -> None:
    other = make_evidence(old, new).challenger.model_copy(update={"card_sha256": "0" * 64})
    (reason,) = said(new, old, make_evidence(old, new, challenger=other.model_dump()))
    assert "the card was changed after the comparison of 2026-05-07" in reason
    frozen = make_evidence(old, new).frozen_set.model_copy(update={"part": "val"})
    (reason,) = said(new, old, make_evidence(old, new, frozen_set=frozen.model_dump()))
    assert "compared on the part val, on which thresholds were chosen; compare on test" in reason


def test_all_reasons_are_said_at_once_in_both_languages(
    old: Release, make_complete: MakeRelease, make_evidence: MakeEvidence, tmp_path: Path
) -> None:
    bad = load_release(make_complete(tmp_path, "bad", limits=(), parity=None))
    rows = rows_with(make_evidence(old, bad), "garbage", challenger=0.1, low=-0.5, high=-0.3, p_worse=0.0)
    evidence = make_evidence(old, bad, rows=rows, leak=LeakCheck(proof="none"))
    error = refusal("bad", objections(bad, old.address, evidence))
    assert len(error.objections) == 3
    assert str(error).splitlines()[0] == "bad is not promoted; reasons: 3"
    assert [line[:2] for line in str(error).splitlines()[1:]] == ["- "] * 3
    assert "garbage 变差:AP50 0.100,原为 0.500" in error.say("zh")
    assert "缺少 parity, limits" in error.say("zh")
