"""The file of rules: a city changes numbers, and everything wrong is named."""

from pathlib import Path
from typing import get_args

import pytest

from streetsight.inference.rules.settings import RulesError, load_rules
from streetsight.inference.rules.zone_files import FeatureOutcome


def city(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "city.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_city_changes_only_what_differs(tmp_path: Path) -> None:
    rules = load_rules(
        city(
            tmp_path,
            """
            [parking]
            passes_min_minutes = 30
            [gates.pothole]
            min_frames = 3
            [gates.car]
            min_px = 40
            [classes]
            garbage = ["dirty_road", "exposed"]
            """,
        )
    )
    shipped = load_rules()
    assert rules.parking.passes_min_minutes == 30
    assert rules.parking.fixed_min_s == shipped.parking.fixed_min_s
    assert (rules.gate("pothole").min_frames, rules.gate("pothole").min_width_m) == (3, 0.1)
    assert (rules.gate("car").min_px, rules.gate("car").min_frames) == (40, 1)
    assert rules.gate("bus") == shipped.gates["default"]
    assert rules.classes["garbage"] == ("dirty_road", "exposed")
    assert rules.classes["car"] == ("motor",)


def test_a_city_adds_its_own_kind_of_zone_and_code(tmp_path: Path) -> None:
    rules = load_rules(
        city(
            tmp_path,
            """
            [zone_kinds.blind_track]
            zh = "盲道"
            en = "blind track"
            forbids = ["motor", "non_motor", "street_vending"]
            sub_type = "blind_track"
            level = "medium"
            [sub_types.blind_track]
            zh = "占用无障碍通道"
            en = "accessible way blocked"
            [[sub_types.blind_track.codes]]
            scheme = "GB/T 47678.5-2026"
            kind = "事项"
            code = "09019"
            name = "占用无障碍通道"
            source = "one list"
            """,
        )
    )
    assert rules.zone_kinds["blind_track"].label("zh") == "盲道"
    (code,) = rules.sub_types["blind_track"].codes
    assert (code.code, code.verified) == ("09019", False)
    assert "fire_lane" in rules.zone_kinds


def test_codes_of_the_taxonomy_are_taken_from_there() -> None:
    first, second = load_rules().sub_types["exposed"].codes
    assert (first.scheme, first.kind, first.code, first.name) == (
        "GB/T 47678.5-2026",
        "事项",
        "06010",
        "暴露垃圾",
    )
    assert (second.kind, second.code) == ("事件", "0110")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[parking]\nmin_minutes = 5", "parking.min_minutes: Extra inputs are not permitted"),
        ("[parked]\nx = 5", "parked: Extra inputs are not permitted"),
        ("[parking]\nfixed_min_s = -1", "parking.fixed_min_s: Input should be greater than 0"),
        ("[parking]\nfixed_min_s = nan", "parking.fixed_min_s"),
        ("[certainty]\nlead = 0.95", "expected not_met < lead < met, got 0.1, 0.95, 0.9"),
        ("[area.shares.garbage]\nlow = 2.0", "expected low <= middle <= high"),
        ("[gates.unicorn]\nmin_px = 1", "gates: unknown unicorn; known: "),
        ("[severity.unicorn]\nlevel = 'low'", "severity: unknown unicorn"),
        ("[severity.garbage]\nlevel = 'huge'", "severity.garbage.level"),
        ("scheme = 'GB 1'", "scheme: unknown GB 1; known: GB/T 30428.2-2013, GB/T 47678.5-2026"),
        ("optional_conditions = ['noise']", "optional_conditions: unknown noise"),
        ("[classes]\ngarbage = ['rubble']", "classes.garbage: unknown rubble"),
        ("[zone_kinds.x]\nzh = 'x'\nen = 'x'\nforbids = ['cars']", "zone_kinds.x: unknown cars"),
        ("[zone_kinds.x]\nzh = 'x'\nen = 'x'\nsub_type = 'y'", "zone_kinds.x.sub_type: unknown y"),
        ("[zone_kinds.x]\nen = 'x'", "zone_kinds.x.zh: Field required"),
        ("[sub_types.x]\nzh='x'\nen='x'\ncodes=[{scheme='GB/T 47678.5-2026', code='9'}]", "not in the tax"),
        ("[sub_types.x]\nzh='x'\nen='x'\ncodes=[{scheme='GB/T 47678.5-2026'}]", "sub_types.x.codes"),
        ("[sub_types.x]\nzh='x'\nen='x'\ncodes=['06010']", "sub_types.x.codes"),
        ("gates = 7", "gates"),
        ("[gates]\ngarbage = 7", "gates"),
        ("[classes]\ngarbage = []", "classes.garbage"),
        ("[parking", "not a readable TOML file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, says: str, tmp_path: Path) -> None:
    path = city(tmp_path, text)
    with pytest.raises(RulesError) as caught:
        load_rules(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="not a readable TOML file"):
        load_rules(tmp_path / "none.toml")


def test_the_page_on_rules_names_every_number_kind_and_outcome() -> None:
    page = (Path(__file__).parents[4] / "docs/rules.md").read_text(encoding="utf-8")
    rules = load_rules()
    tables = ("certainty", "parking", "pair", "vending", "garbage", "facility")
    numbers = [name for table in tables for name in type(getattr(rules, table)).model_fields]
    words = [*numbers, *rules.zone_kinds, *(each for each in get_args(FeatureOutcome) if each != "accepted")]
    assert [word for word in words if word not in page] == []
