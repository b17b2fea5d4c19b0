"""The shipped taxonomy keeps its ids, and a wrong file is refused by name."""

from pathlib import Path

import pytest

from streetsight.models.taxonomy import (
    DEFAULT_PATH,
    TaxonomyError,
    default_taxonomy,
    load_taxonomy,
    with_additions,
)

# Stored detections refer to these numbers for ever: add at the end, change nothing.
IDS = {
    0: "garbage",
    1: "overflowing_bin",
    2: "pothole",
    3: "road_crack",
    4: "damaged_manhole",
    5: "damaged_sign",
    6: "street_vendor",
    7: "graffiti",
    8: "car",
    9: "van",
    10: "truck",
    11: "bus",
    12: "motorcycle",
    13: "bicycle",
    14: "tricycle",
    15: "garbage_bin",
    16: "manhole",
    17: "sign",
    18: "person",
    19: "license_plate",
}

CLASS = """
[[classes]]
id = 0
name = "garbage"
zh = "垃圾"
en = "garbage"
colour = "#E5484D"
condition = "exposed_garbage"
note = ""
codes = [{ scheme = "S", kind = "事项", code = "1", name = "n", source = "s", verified = false }]
"""
SMALL = f"""version = "9"
[schemes]
"S" = "a table"
[conditions.exposed_garbage]
zh = "暴露垃圾"
en = "exposed garbage"
colour = "#E5484D"
{CLASS}"""


def write(folder: Path, text: str) -> Path:
    path = folder / "taxonomy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ids_are_never_renumbered() -> None:
    shipped = {each.id: each.name for each in default_taxonomy().classes}
    assert {number: shipped.get(number) for number in IDS} == IDS
    assert len(shipped) == len(default_taxonomy().classes)


def test_every_code_names_a_known_scheme_and_its_source() -> None:
    taxonomy = default_taxonomy()
    codes = [code for each in taxonomy.classes for code in each.codes]
    assert codes
    for code in codes:
        assert code.scheme in taxonomy.schemes
        assert code.kind in {"事项", "事件", "部件"}
        assert code.code.isdigit()
        assert code.source


def test_vehicles_are_no_issue_by_themselves() -> None:
    parked = {each.name: each.condition for each in default_taxonomy().classes if each.parking}
    assert set(parked) == {"car", "van", "truck", "bus", "motorcycle", "bicycle", "tricycle"}
    assert set(parked.values()) == {None}


def test_labels_in_both_languages_are_distinct() -> None:
    taxonomy = default_taxonomy()
    for language in ("zh", "en"):
        labels = [each.label(language) for each in taxonomy.classes]
        assert len(set(labels)) == len(labels)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    assert "pothole" in default_taxonomy()
    assert "hole" not in default_taxonomy()
    with pytest.raises(KeyError, match=r"no class named 'hole' .* known: garbage, overflowing_bin"):
        default_taxonomy()["hole"]


def test_a_small_file_reads(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(write(tmp_path, SMALL))
    assert (taxonomy.version, taxonomy.names) == ("9", ("garbage",))
    assert taxonomy["garbage"].label("zh") == "垃圾"
    assert taxonomy["garbage"].codes[0].scheme == "S"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('version = "9"\n', "", "the entry 'version' is missing"),
        ("codes = [", "cods = [", "the entry 'codes' is missing"),
        ('zh = "暴露垃圾"\n', "", "zh"),
        ('note = ""', 'note = ""\nnotes = ""', "notes"),
        (CLASS, CLASS + CLASS.replace('"garbage"', '"litter"'), r"class id used twice: \['0'\]"),
        (CLASS, CLASS + CLASS.replace("id = 0", "id = 1"), r"class name used twice: \['garbage'\]"),
        (
            'condition = "exposed_garbage"',
            'condition = "dirt"',
            "class garbage: condition 'dirt' is not defined; defined: exposed_garbage",
        ),
        ('colour = "#E5484D"\ncondition', 'colour = "red"\ncondition', "garbage: colour 'red' is not of the"),
        ('colour = "#E5484D"\n\n', 'colour = "#e5484d"\n\n', "exposed_garbage: colour '#e5484d' is not"),
        ('scheme = "S"', 'scheme = "T"', "class garbage: code scheme 'T' is not listed"),
        ("[schemes]", "[schemes", "line 2"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in SMALL
    path = write(tmp_path, SMALL.replace(old, new))
    with pytest.raises(TaxonomyError, match=complaint) as caught:
        load_taxonomy(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"absent\.toml"):
        load_taxonomy(tmp_path / "absent.toml")


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.toml"
    path.write_bytes(DEFAULT_PATH.read_text(encoding="utf-8").encode("gb18030"))
    with pytest.raises(TaxonomyError, match=r"taxonomy\.toml"):
        load_taxonomy(path)


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("garbage", ("exposed_garbage",)),
        ("car", ("illegal_parking",)),  # by rule, not by being a car
        ("garbage_bin", ()),
    ],
)
def test_what_a_class_can_lead_to(name: str, leads: tuple[str, ...]) -> None:
    assert default_taxonomy().leads_of(name) == leads


ADDED = """
[conditions.standing_water]
zh = "道路积水"
en = "standing water"
colour = "#0091FF"

[[classes]]
id = 1000
name = "puddle"
zh = "积水"
en = "puddle"
colour = "#0091FF"
condition = "standing_water"
"""


def test_a_city_adds_classes_by_data(tmp_path: Path) -> None:
    base = default_taxonomy()
    grown = with_additions(base, write(tmp_path, ADDED))
    assert grown.names == (*base.names, "puddle")
    assert grown["puddle"].id == 1000
    assert grown.leads_of("puddle") == ("standing_water",)
    assert grown.version.startswith(f"{base.version}+")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ADDED.replace("1000", "20"), "start at 1000"),
        (ADDED.replace('"puddle"\nzh', '"garbage"\nzh'), "used twice"),
        (ADDED.replace("[conditions.standing_water]", "[conditions.exposed_garbage]"), "redefined"),
        (ADDED.replace('condition = "standing_water"', 'condition = "nothing"'), "not defined"),
        (ADDED.replace('zh = "积水"\n', ""), "zh"),
        ("classes = 3", "not iterable"),
        ("[[classes]", "line 1"),
    ],
)
def test_wrong_additions_are_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(TaxonomyError, match=message) as caught:
        with_additions(default_taxonomy(), path)
    assert str(path) in str(caught.value)


def test_an_installation_names_its_additions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_TAXONOMY", str(write(tmp_path, ADDED)))
    default_taxonomy.cache_clear()
    try:
        assert "puddle" in default_taxonomy()
    finally:
        default_taxonomy.cache_clear()
