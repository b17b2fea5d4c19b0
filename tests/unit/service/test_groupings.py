"""Groupings: what belongs where, as shipped and as a city writes it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.models.codes import code_table
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.documents.reading import DocumentRefused, read_content
from streetsight.service.groupings.grouping import group_of, groups_of
from streetsight.service.groupings.reading import GroupingDocument, default_document

SHIPPED = default_document()
NEW, OLD = "GB/T 47678.5-2026", "GB/T 30428.2-2013"


def document(*members: dict[str, Any]) -> GroupingDocument:
    named = [{"zh": "组", "en": "group", **each} for each in members]
    return read_content(
        {"name": "ours", "groupings": [{"code": "tag", "zh": "标签", "en": "tag", "members": named}]},
        GroupingDocument,
    )


@pytest.mark.parametrize(
    ("condition", "class_name", "number", "expected"),
    [
        ("exposed_garbage", "garbage", "06010", "sanitation sanitation dumping dirty ground sanitation"),
        ("street_vending", "street_vendor", "09006", "encroachment trade - disorderly ground enforcement"),
        ("illegal_parking", "car", "09009", "order order parking disorderly ground enforcement"),
        ("broken_facility", "damaged_manhole", "01023", "facilities facilities - broken section facilities"),
        ("defacement", "graffiti", None, "order facades scrawling disorderly facade appearance"),
        ("exposed_garbage", None, "06036", "sanitation sanitation stacking dirty ground sanitation"),
        ("other", None, "07003", "order signs hanging disorderly facade appearance"),
        ("other", None, "04002", "facilities facilities - broken - greenery"),
    ],
)  # fmt: skip
def test_the_shipped_groups_are_those_of_the_sources(
    condition: str, class_name: str | None, number: str | None, expected: str
) -> None:
    code = {"scheme": NEW, "code": number} if number else None
    found = groups_of(SHIPPED, condition, class_name, code).values()
    assert " ".join(each or "-" for each in found) == expected


def test_every_class_and_every_code_has_an_aspect_a_topic_and_a_family() -> None:
    cases: list[tuple[str, str | None, Any]] = [
        (each.condition, None, {"scheme": each.code.scheme, "code": each.code.code}) for each in code_table()
    ]
    taxonomy = default_taxonomy()
    cases += [(lead, name, None) for name in taxonomy.names for lead in taxonomy.leads_of(name)]
    for case in cases:
        for grouping in ("aspect", "topic", "family", "domain"):
            assert group_of(SHIPPED, grouping, *case) is not None, (grouping, case)
    assert [len(SHIPPED.by_code[code].members) for code in ("aspect", "topic", "disorder")] == [4, 6, 10]


@given(st.sampled_from([each for each in code_table() if each.successor]))
def test_a_number_of_the_older_table_goes_with_the_one_that_came_after(entry: Any) -> None:
    old, new = {"scheme": OLD, "code": entry.code.code}, {"scheme": NEW, "code": entry.successor}
    assert groups_of(SHIPPED, "other", None, old) == groups_of(SHIPPED, "other", None, new)


def test_the_first_member_that_fits_wins_and_a_bare_number_means_nothing() -> None:
    ours = document(
        {"code": "bins", "classes": ["overflowing_bin"]},
        {"code": "signs", "codes": {NEW: ["0700*"], OLD: ["0110"]}},
        {"code": "rest", "conditions": ["exposed_garbage", "other"]},
    )
    assert group_of(ours, "tag", "exposed_garbage", "overflowing_bin", None) == "bins"
    assert (
        group_of(ours, "tag", "exposed_garbage", "overflowing_bin", {"scheme": NEW, "code": "07001"})
        == "bins"
    )
    assert group_of(ours, "tag", "exposed_garbage", "garbage", {"scheme": OLD, "code": "0110"}) == "signs"
    assert group_of(ours, "tag", "exposed_garbage", "garbage", {"scheme": NEW, "code": "0110"}) == "rest"
    assert group_of(ours, "tag", "illegal_parking", "car", {"scheme": "ours", "code": "07001"}) is None
    assert group_of(ours, "none", "other", None, None) is None


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ({"conditions": ["mess"]}, ["mess", "exposed_garbage", "other"]),
        ({"classes": ["trolley"]}, ["trolley", "garbage"]),
        ({"codes": {"GB/T 1": ["06010"]}}, ["GB/T 1", NEW]),
        ({"codes": {NEW: ["06999"]}}, ["06999", "/v1/codes"]),
        ({"codes": {NEW: ["99*"]}}, ["99*"]),
        ({"codes": {NEW: ["0x"]}}, ["codes"]),
        ({"colour": "red"}, ["colour"]),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_what_is(member: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(DocumentRefused) as refused:
        document({"code": "a", **member})
    assert all(word in refused.value.say("en") for word in said)


def test_codes_stand_once() -> None:
    for wrong in ([{"code": "a"}, {"code": "a"}],):
        with pytest.raises(DocumentRefused, match="twice"):
            document(*wrong)
    twice = SHIPPED.model_dump()
    twice["groupings"].append(twice["groupings"][0])
    with pytest.raises(DocumentRefused, match="aspect is there twice"):
        read_content(twice, GroupingDocument)
