"""The score as a pure function: worked examples, and what must hold whatever the facts."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetsight.service.scoring.facts import (
    Case,
    Entry,
    Exposure,
    Figure,
    Followup,
    Restoration,
    SubjectFacts,
    packed,
    plain_bytes,
    unpacked,
)
from streetsight.service.scoring.reading import example_schemes, read_scheme, read_scheme_file
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.scoring import score
from streetsight.service.scoring.sheets import Sheet, SheetLine

GROUPINGS = {"aspect": ("sanitation", "encroachment", "facilities", "order")}
LOOKED = Exposure(patrols=3)
METRE = 1 / 111_195


def scheme_of(*rules: dict[str, Any], **changes: Any) -> Scheme:
    """One part of one item of 10 marks, weighing 100."""
    named = [{"zh": "则", "en": "rule", **rule} for rule in rules]
    item = {"key": "item", "zh": "项", "en": "item", "full": 10, "rules": named, **changes.pop("item", {})}
    part = {"key": "part", "zh": "部", "en": "part", "weight": 10, "items": [item], **changes.pop("part", {})}
    content = {"key": "s", "zh": "案", "en": "scheme", "subjects": "section", "total": 10, "parts": [part]}
    return read_scheme({**content, **changes}, GROUPINGS)


def problem(points: float = 1, **more: Any) -> dict[str, Any]:
    return {"key": "rule", "kind": "per_problem", "points": points, **more}


def case(number: int, north_m: float = 0, **values: Any) -> Case:
    tags = {"condition": "exposed_garbage", "class": "garbage", "aspect": "sanitation"} | values.pop(
        "tags", {}
    )
    defaults = {
        "found_at": number,
        "confirmed_at": number,
        "decision": f"d{number}",
        "photos": (f"{number:064x}",),
    }
    return Case(
        id=f"i{number}", number=f"20261101-{number:06d}", tags=tags, lon=120.0, lat=30.0 + north_m * METRE,
        **{**defaults, **values},
    )  # fmt: skip


def subject(*cases: Case, **values: Any) -> SubjectFacts:
    return SubjectFacts(code="A1", name="甲", cases=cases, exposure=LOOKED, **values)


def lines_of(sheet: Sheet) -> list[SheetLine]:
    return [line for part in sheet.parts for item in part.items for line in item.lines]


def scored(scheme: Scheme, facts: SubjectFacts) -> Sheet:
    return score(scheme, 1, "2026-11", facts)


def test_each_place_is_deducted_once_and_every_line_says_what_it_rests_on() -> None:
    facts = subject(case(1), case(2, 8), case(3, 16), case(4, 100))  # the first three are a chain

    sheet = scored(scheme_of(problem(2)), facts)

    assert sheet.total == Decimal("6.00")
    assert [(line.number, int(line.points), line.why, line.same_as) for line in lines_of(sheet)] == [
        ("20261101-000001", -2, "counted", None),
        ("20261101-000002", 0, "same_place", "20261101-000001"),
        ("20261101-000003", 0, "same_place", "20261101-000001"),
        ("20261101-000004", -2, "counted", None),
    ]
    for line in lines_of(sheet):
        assert all((line.issue, line.decision, line.photos, line.rule == "rule"))


def test_an_issue_each_and_a_view_each_are_the_schemes_word() -> None:
    facts = subject(case(1, view="v"), case(2, view="v"), case(3, view="w"))

    assert scored(scheme_of(problem(one_per="issue")), facts).total == 7
    assert scored(scheme_of(problem(one_per="view")), facts).total == 8


def test_other_conditions_at_the_same_place_are_other_places() -> None:
    facts = subject(case(1), case(2, tags={"condition": "broken_facility", "class": "pothole"}))

    assert scored(scheme_of(problem()), facts).total == 8


def test_nobody_looked_is_no_full_marks() -> None:
    nobody = msgspec.structs.replace(subject(), exposure=Exposure())

    sheet = scored(scheme_of(problem()), nobody)

    assert (sheet.status, sheet.total) == ("not_inspected", None)
    assert scored(scheme_of(problem()), subject()).total == 10


def test_what_was_not_put_right_is_deducted_again_and_never_more_than_finding_it() -> None:
    one = case(1)
    late = Followup(act="a1", event="overdue", at=5, case=one)
    back = Followup(act="a2", event="reopened", at=6, case=one)
    rule = problem(2, unrectified={"points": 3})

    sheet = scored(scheme_of(rule), subject(one, followups=(late, back)))

    assert sheet.total == 6
    assert [(line.stage, line.event, int(line.points), line.why) for line in lines_of(sheet)] == [
        (1, None, -2, "counted"), (2, "overdue", -2, "counted"), (2, "reopened", 0, "once"),
    ]  # fmt: skip
    each = scheme_of(problem(2, unrectified={"points": 3, "once": False, "not_above_first": False}))
    assert scored(each, subject(one, followups=(late, back))).total == 2
    only_later = subject(followups=(late,))
    assert scored(scheme_of(rule), only_later).total == 8, "found in an earlier month"


def test_an_item_never_falls_below_its_floor_and_the_lines_say_so() -> None:
    cases = [case(number, number * 100) for number in range(1, 8)]

    sheet = scored(scheme_of(problem(2), item={"floor": 1}), subject(*cases))

    assert sheet.total == 1
    assert sum(line.points for line in lines_of(sheet)) == -9
    assert [line.why for line in lines_of(sheet)][-3:] == ["at_floor"] * 3


def test_a_rule_takes_its_most() -> None:
    cases = [case(number, number * 100) for number in range(1, 8)]

    sheet = scored(scheme_of(problem(2, most=5)), subject(*cases))

    assert sheet.total == 5
    assert [line.points for line in lines_of(sheet)] == [-2, -2, -1, 0, 0, 0, 0]


def test_exempt_advisory_and_contested_cases_are_shown_and_take_nothing() -> None:
    scheme = scheme_of(
        problem(), advisory=["pothole"],
        exempt=[{"where": {"closed_how": ["on_spot"]}, "zh": "现场处置", "en": "on the spot"}],
    )  # fmt: skip
    facts = subject(
        case(1, tags={"closed_how": "on_spot"}),
        case(2, 100, tags={"class": "pothole", "condition": "broken_facility"}),
        case(3, 200, void="upheld", appeal="upheld"),
        case(4, 300),
    )

    sheet = scored(scheme, facts)

    assert sheet.total == 9
    assert [line.why for line in lines_of(sheet)] == ["exempt", "advisory", "upheld", "counted"]
    assert (sheet.counts["upheld"], sheet.counts["found"]) == (1, 3)


def test_rates_bands_units_bonus_figures_and_points_by_hand() -> None:
    """The worked example of docs/scoring.md, reckoned by hand there."""
    scheme = read_scheme_file(example_schemes()["mixed-sources"], GROUPINGS)
    third = {"channel": "third_party"}
    cases = (
        case(1, 0, tags=third, dispatched_at=1, due_at=10, answered_at=9, closed_at=12),
        case(2, 100, tags=third, dispatched_at=1, due_at=10, answered_at=15, reworks=1),
        case(3, 200, tags=third, dispatched_at=1, due_at=10, extensions=1),
        case(4, 300, tags=third | {"class": "damaged_manhole", "condition": "broken_facility"}),
    )
    figures = {
        "complaints": 33,
        "complaints_answered": 29,
        "complaint_days": 3,
        "satisfaction": 86,
        "honours": 1,
    }
    by_hand = Entry(id="e", rule="bonus.extra.by_hand", points=Decimal("-0.5"), reason="围挡", made_by="w")
    facts = subject(
        *cases, as_of=20, entries=(by_hand,),
        figures=tuple(Figure(key=key, value=Decimal(each), source="f:2") for key, each in figures.items()),
        followups=(Followup(act="a", event="rework", at=16, case=cases[1]),),
    )  # fmt: skip

    sheet = scored(scheme, facts)

    # third party: 40 - 3 * 0.1 - 2 (manhole) - 0.1 (rework)                               = 37.6
    # platform: 2/3 * 12 + 1/3 * 8 + (1 - 1/1) * 8 + (1 - 2/3) * 8 + (1 - 1/3) * 4          = 16.00
    # hotline: 10 - 2 * 0.5 (13 over 20, whole fives) - 1 (29/33 = .879) - 1 (3 days)       = 7
    # survey: 86 %                                                                          = 8.6
    # extra: 1 - 0.5                                                                        = 0.5
    assert [part.got for part in sheet.parts] == [
        Decimal(text) for text in ("37.60", "16.01", "7.00", "8.60", "0.50")
    ]  # 8.00 + 2.67 + 0.00 + 2.67 + 2.67: every line is rounded, as it is printed
    assert sheet.total == Decimal("69.71")
    bases = {line.rule: line.basis for line in lines_of(sheet) if line.basis}
    assert bases["in_time"] == "handled_in_time 1 / dispatched 3"
    assert bases["answered"] == "complaints_answered 29 / complaints 33"


def test_a_figure_that_is_missing_leaves_the_sheet_open_or_its_part_out() -> None:
    rule = {"key": "r", "kind": "by_figure", "of": "survey", "points": 10}
    wanted = scheme_of(rule, item={"starts": "zero"})
    assert scored(wanted, subject()).status == "incomplete"
    assert scored(wanted, subject()).parts[0].missing == ("survey",)

    part = {"key": "q", "zh": "q", "en": "q", "weight": 5, "missing": "leave_out", "items": [
        {"key": "i", "zh": "i", "en": "i", "full": 5, "starts": "zero",
         "rules": [{**rule, "zh": "r", "en": "r", "points": 5}]}]}  # fmt: skip
    content = scheme_of(problem()).model_dump(mode="json")
    content["parts"][0]["weight"] = 5
    content["parts"].append(part)
    two = read_scheme(content, GROUPINGS)
    sheet = scored(two, subject(case(1)))
    assert sheet.total == 9
    assert [each.weight for each in sheet.parts] == [10, 0]


def test_overrides_change_numbers_for_some_subjects() -> None:
    stricter = {"subjects": ["A1"], "why": "美丽街区", "rules": {"part.item.rule": {"points": 3}}}
    scheme = scheme_of(problem(1), overrides=[stricter])
    facts = subject(case(1))

    assert scored(scheme, facts).total == 7
    assert scored(scheme, msgspec.structs.replace(facts, code="A2")).total == 9


def test_what_earlier_months_took_wrongly_comes_back_whole() -> None:
    back = Restoration(period="2026-10", issues=("20261001-000001",), points=Decimal("0.75"))

    sheet = scored(scheme_of(problem()), subject(restorations=(back,)))

    assert (sheet.total, sheet.restored) == (Decimal("10.75"), Decimal("0.75"))


def test_points_are_split_by_day_and_light() -> None:
    facts = subject(
        case(1, tags={"day": "workday", "light": "night"}),
        case(2, 100, tags={"day": "holiday", "light": "night"}),
    )

    splits = {
        (each.tag, each.value): (each.cases, int(each.points))
        for each in scored(scheme_of(problem()), facts).splits
    }

    assert splits == {("day", "holiday"): (1, -1), ("day", "workday"): (1, -1), ("light", "night"): (2, -2)}


SCENES = ("road", "park", "compound", "toilet", "junction", "site", "riverbank")
ASPECTS = ("sanitation", "encroachment", "facilities", "order")
tags = st.fixed_dictionaries(
    {"scene": st.sampled_from(SCENES), "aspect": st.sampled_from(ASPECTS),
     "condition": st.sampled_from(("exposed_garbage", "street_vending", "broken_facility"))},
    optional={"closed_how": st.sampled_from(("on_spot", "checked"))},
)  # fmt: skip
void = st.sampled_from((None, None, None, "upheld", "withdrawn", "not_pursued"))


@st.composite
def many_facts(draw: st.DrawFn) -> SubjectFacts:
    numbers = draw(st.lists(st.integers(1, 60), unique=True, max_size=25))
    cases = tuple(
        case(
            number,
            draw(st.floats(0, 200)),
            tags=draw(tags),
            void=draw(void),
            found_at=draw(st.integers(0, 50)),
        )
        for number in numbers
    )
    followups = tuple(
        Followup(act=f"a{index}", event="overdue", at=index, case=each)
        for index, each in enumerate(cases) if draw(st.booleans())
    )  # fmt: skip
    return subject(*cases, followups=followups, as_of=100)


EXAMPLE = read_scheme_file(example_schemes()["sections-by-scene"], GROUPINGS)


@settings(max_examples=60, deadline=None)
@given(many_facts(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(facts: SubjectFacts, random: Any) -> None:
    cases, followups = [*facts.cases, *facts.cases[:3]], [*facts.followups, *facts.followups[:2]]
    random.shuffle(cases)
    random.shuffle(followups)
    other = msgspec.structs.replace(facts, cases=tuple(cases), followups=tuple(followups))

    assert plain_bytes(scored(EXAMPLE, other)) == plain_bytes(scored(EXAMPLE, facts))


@settings(max_examples=60, deadline=None)
@given(many_facts())
def test_frozen_facts_give_the_same_bytes_again(facts: SubjectFacts) -> None:
    again = unpacked(packed(facts), SubjectFacts)

    assert plain_bytes(scored(EXAMPLE, again)) == plain_bytes(scored(EXAMPLE, facts))


@settings(max_examples=60, deadline=None)
@given(many_facts(), st.data())
def test_a_case_that_is_none_gives_what_it_would_without_it(facts: SubjectFacts, data: Any) -> None:
    if not facts.cases:
        return
    chosen = data.draw(st.sampled_from(facts.cases))
    gone = msgspec.structs.replace(chosen, void="upheld")
    voided = msgspec.structs.replace(
        facts, cases=tuple(gone if each is chosen else each for each in facts.cases),
        followups=tuple(
            msgspec.structs.replace(each, case=gone) if each.case.id == gone.id else each
            for each in facts.followups
        ),
    )  # fmt: skip
    without = msgspec.structs.replace(
        facts, cases=tuple(each for each in facts.cases if each is not chosen),
        followups=tuple(each for each in facts.followups if each.case.id != chosen.id),
    )  # fmt: skip

    assert scored(EXAMPLE, voided).total == scored(EXAMPLE, without).total


@settings(max_examples=60, deadline=None)
@given(many_facts())
def test_items_stay_within_bounds_and_lines_add_up(facts: SubjectFacts) -> None:
    sheet = scored(EXAMPLE, facts)

    for part in sheet.parts:
        for item in part.items:
            assert 0 <= item.got <= item.full
            assert item.got == item.full + sum(line.points for line in item.lines)
            counted = [line for line in item.lines if line.points]
            assert all(line.issue and line.decision and line.photos for line in counted)
    assert sheet.total == sum(part.got for part in sheet.parts if part.got is not None)


@pytest.mark.parametrize("name", example_schemes())
def test_shipped_schemes_are_marked_as_examples(name: str) -> None:
    scheme = read_scheme_file(example_schemes()[name], GROUPINGS)

    assert scheme.example
    assert scheme.source
