"""Places in, candidates out: masks, gates, proposals, severity, duplicates; every place is accounted for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.places.sighting import Place
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.rules.candidate import Candidate, Judgement
from streetsight.inference.rules.image_zones import ImageZones
from streetsight.inference.rules.judge import judge
from streetsight.inference.rules.settings import Rules, load_rules
from streetsight.inference.rules.zones import Zone, ZoneMap

Build = Callable[..., Any]
DEVICES = {"car-1": DeviceProfile(device="car-1")}


@pytest.fixture
def judged() -> Callable[..., Judgement]:
    def run(
        *places: Place, zones: tuple[Zone, ...] = (), rules: Rules | None = None, **more: Any
    ) -> Judgement:
        known = rules or load_rules()
        return judge(places, ZoneMap(zones, known.zone_kinds), known, DEVICES, **more)

    return run


def only(judgement: Judgement) -> Candidate:
    (candidate,) = judgement.candidates
    return candidate


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str], Rules]:
    def load(text: str) -> Rules:
        path = tmp_path / "city.toml"
        path.write_text(text, encoding="utf-8")
        return load_rules(path)

    return load


# --- gates ---


@pytest.mark.parametrize(
    ("class_name", "rules", "changes", "reason"),
    [
        ("garbage", "", {"box": (0, 0, 15, 9)}, "too_small_px"),
        ("garbage", "", {"box": (0, 0, 16, 3)}, None),  # the longer side counts
        ("garbage", "", {"width_m": 0.1}, "too_small_m"),
        ("garbage", "", {"width_m": None}, None),  # what cannot be measured refuses nothing
        ("garbage", "[gates.garbage]\nmin_frames = 2", {}, "too_few_frames"),
        ("garbage", "[gates.garbage]\nmin_frames = 2\nsure_score = 0.8", {}, None),
        ("garbage", "[gates.garbage]\nmin_frames = 2\nsure_score = 0.81", {}, "too_few_frames"),
        ("garbage", "[gates.default]\nmin_passes = 2", {}, "too_few_passes"),
        ("garbage", "", {"scorable": False}, "not_scorable"),
        ("garbage_bin", "", {}, "context"),
        ("person", "", {}, "context"),
        ("unicorn", "", {}, "unknown_class"),
        ("graffiti", "", {}, None),
        ("graffiti", "optional_conditions = []", {}, "condition_off"),
    ],
)
def test_what_is_no_lead_has_a_counted_reason(
    class_name: str,
    rules: str,
    changes: dict[str, Any],
    reason: str | None,
    glimpse: Build,
    sighting: Build,
    place: Build,
    judged: Callable[..., Judgement],
    loaded: Callable[[str], Rules],
) -> None:
    of_sighting = {key: changes[key] for key in changes if key == "width_m"}
    of_glimpse = {key: changes[key] for key in changes if key != "width_m"}
    seen = sighting(glimpses=[glimpse(0, **of_glimpse)], **of_sighting)
    judgement = judged(place(seen, class_name=class_name), rules=loaded(rules))
    assert judgement.reasons == ({reason: 1} if reason else {})
    assert len(judgement.candidates) == (reason is None)
    for refused in judgement.not_leads:
        assert refused.reason in refused.findings
        assert refused.reason.say("zh")


# --- codes ---


@pytest.mark.parametrize(
    ("class_name", "code", "name", "others", "component"),
    [
        ("garbage", "06010", "暴露垃圾", ["06011", "06012", "06017"], None),
        ("overflowing_bin", "06042", "垃圾站(箱)满溢", [], None),
        ("pothole", "06013", "道路破损", [], None),
        ("damaged_manhole", "01023", "不明井盖异常", [], "不明井盖"),  # the event, and what it is an event of
        ("damaged_sign", "02010", "交通标志牌及标线异常", [], "交通标志牌及标线"),
        ("street_vendor", "09006", "占道经营", ["09005", "09001"], None),
    ],
)
def test_codes_are_proposed_with_their_scheme(
    class_name: str,
    code: str,
    name: str,
    others: list[str],
    component: str | None,
    sighting: Build,
    place: Build,
    judged: Callable[..., Judgement],
) -> None:
    candidate = only(judged(place(sighting(), class_name=class_name)))
    assert candidate.proposal.code
    assert (candidate.proposal.code.code, candidate.proposal.code.name) == (code, name)
    assert candidate.proposal.code.scheme == "GB/T 47678.5-2026"
    assert candidate.proposal.code.kind in ("事项", "事件")
    assert [each.code.code for each in candidate.alternatives if each.code] == others
    assert (candidate.proposal.component.name if candidate.proposal.component else None) == component
    assert all(each.scheme != "GB/T 47678.5-2026" for each in candidate.proposal.elsewhere)


@pytest.mark.parametrize(
    ("class_name", "kind", "code"),
    [
        ("car", "no_parking", "09009"),
        ("truck", "fire_lane", "09012"),
        ("bicycle", "no_parking", "09010"),
        ("bicycle", "fire_lane", "09012"),
        ("tricycle", "motor_bays", "09010"),
    ],
)
def test_codes_of_parking_follow_the_zone(
    class_name: str,
    kind: str,
    code: str,
    sighting: Build,
    place: Build,
    zone: Build,
    judged: Callable[..., Judgement],
) -> None:
    there = place(sighting(0), sighting(900), class_name=class_name)
    candidate = only(judged(there, zones=(zone(kind),)))
    assert candidate.condition == "illegal_parking"
    assert candidate.proposal.code
    assert candidate.proposal.code.code == code
    if kind == "fire_lane":  # the usual code stays on offer
        assert candidate.alternatives[0].code


def test_a_scheme_without_the_code_has_none_rather_than_a_like_one(
    sighting: Build, place: Build, judged: Callable[..., Judgement], loaded: Callable[[str], Rules]
) -> None:
    old = loaded('scheme = "GB/T 30428.2-2013"')
    bin_, sign = (
        only(judged(place(sighting(), class_name=name), rules=old))
        for name in ("overflowing_bin", "damaged_sign")
    )
    assert (bin_.proposal.code, sign.proposal.code, sign.proposal.component) == (None, None, None)
    assert [each.code for each in bin_.proposal.elsewhere] == ["06042"]
    heap = only(judged(place(sighting(), class_name="garbage"), rules=old))
    assert heap.proposal.code
    assert heap.proposal.code.code == "0110"


# --- severity ---


@pytest.mark.parametrize(
    ("class_name", "seconds", "width", "zone_kind", "level", "reasons"),
    [
        ("garbage", [0], 0.5, None, "low", ["base"]),
        ("garbage", [0], 2.0, None, "medium", ["base", "large"]),
        ("garbage", [0, 90_000], 2.0, None, "high", ["base", "large", "long"]),
        ("pothole", [0], 2.0, None, "high", ["base", "large"]),
        ("damaged_manhole", [0], None, None, "high", ["base"]),
        ("car", [0, 900], None, "no_parking", "low", ["base"]),
        ("car", [0, 900], None, "fire_lane", "high", ["base", "zone_level"]),
        ("damaged_sign", [0, 900_000], None, None, "low", ["base"]),  # no number asks for more
    ],
)
def test_severity_says_why(
    class_name: str,
    seconds: list[float],
    width: float | None,
    zone_kind: str | None,
    level: str,
    reasons: list[str],
    sighting: Build,
    place: Build,
    zone: Build,
    judged: Callable[..., Judgement],
) -> None:
    there = place(*(sighting(when, width_m=width) for when in seconds), class_name=class_name)
    severity = only(judged(there, zones=(zone(zone_kind),) if zone_kind else ())).severity
    assert (severity.level, [each.reason for each in severity.reasons]) == (level, reasons)
    assert all(each.say("en") and each.say("zh") for each in severity.reasons)


# --- masks ---


@pytest.mark.parametrize(
    ("east", "sigma", "masked"),
    [(0, 1, 1), (10.5, 1, 1), (13, 1, 0), (13, 4, 1), (40, 4, 0)],  # within 2 % of being inside
)
def test_nothing_in_a_sensitive_zone_leaves(
    east: float,
    sigma: float,
    masked: int,
    sighting: Build,
    place: Build,
    zone: Build,
    judged: Callable[..., Judgement],
) -> None:
    own = (sigma**2, 0.0, sigma**2)
    there = place(sighting(0, east, own_m2=own), east=east, sigma_m=sigma, class_name="garbage")
    judgement = judged(there, zones=(zone("sensitive"),))
    assert judgement.masked == masked
    assert len(judgement.candidates) == 1 - masked
    assert judgement.not_leads == ()  # not even its id stays


def test_a_masked_sighting_goes_and_the_rest_of_its_place_stays(
    sighting: Build, place: Build, zone: Build, judged: Callable[..., Judgement]
) -> None:
    there = place(sighting(0, 8.0), sighting(60, 14.0), east=14, class_name="garbage")
    judgement = judged(there, zones=(zone("sensitive"),))
    assert judgement.masked == 1
    assert [each.id for each in only(judgement).place.sightings] == ["sighting 60 14.0 0.0"]


def test_a_sensitive_part_of_a_fixed_cameras_picture_is_masked(
    sighting: Build, place: Build, judged: Callable[..., Judgement]
) -> None:
    door = Zone("door", "sensitive", shapely.box(0.4, 0.4, 0.8, 1.0))
    there = place(sighting(0, device_id="gate-3"), class_name="garbage")
    judgement = judged(there, image_zones={"gate-3": ImageZones("gate-3", (door,))})
    assert (judgement.masked, judgement.candidates) == (1, ())


# --- the whole ---


def test_a_place_without_position_or_time_is_a_candidate_that_says_so(
    sighting: Build, place: Build, zone: Build, judged: Callable[..., Judgement]
) -> None:
    nowhere = place(sighting(None, None), east=None, class_name="street_vendor")
    candidate = only(judged(nowhere, zones=(zone("vending_permitted"), zone("sensitive"))))
    states = {each.rule: (each.state, each.reason) for each in candidate.findings}
    assert states["permit"] == ("not_measurable", "no_position")
    assert states["persistence"] == ("not_measurable", "seen_once")


def test_a_candidate_is_a_lead_and_says_it(
    sighting: Build, place: Build, judged: Callable[..., Judgement]
) -> None:
    candidate = only(judged(place(sighting(), class_name="garbage")))
    assert candidate.notice("en") == "A lead, not evidence: it counts only once a person has confirmed it."
    assert candidate.notice("zh").startswith("这是线索")
    assert candidate.evidence.pair == ()  # asked of parking only
    assert candidate.id == "place:exposed_garbage"


def test_an_uncertain_zone_lowers_the_score(
    sighting: Build, place: Build, zone: Build, judged: Callable[..., Judgement]
) -> None:
    there = place(sighting(0), sighting(900))
    sure = only(judged(there, zones=(zone("no_parking"),)))
    unsure = only(judged(there, zones=(zone("no_parking", (-0.5, -10, 10, 10)),)))
    assert sure.score == 0.8
    assert unsure.score == pytest.approx(0.8 * 0.6915, abs=1e-3)
    assert len(sure.evidence.pair) == 2
    assert {each.rule for each in sure.evidence.pair_findings} >= {"pair_interval", "pair_clock"}


@pytest.mark.parametrize(
    ("metres", "class_name", "seconds", "noted"),
    [
        (8, "garbage", 0, True),
        (8, "overflowing_bin", 0, True),  # the same condition
        (8, "pothole", 0, False),
        (10.5, "garbage", 0, False),
        (8, "garbage", 25 * 3600, False),
    ],
)
def test_near_duplicates_are_noted_and_none_is_dropped(
    metres: float,
    class_name: str,
    seconds: float,
    noted: bool,
    sighting: Build,
    place: Build,
    judged: Callable[..., Judgement],
) -> None:
    one = place(sighting(0), class_name="garbage", name="one")
    other = place(sighting(seconds, metres), east=metres, class_name=class_name, name="other")
    found = {each.place.id: each for each in judged(one, other).candidates}
    assert (found["one"].duplicates == (found["other"].id,)) is noted
    assert (found["other"].duplicates == (found["one"].id,)) is noted


def test_a_second_condition_of_a_city_is_judged_too(
    sighting: Build, place: Build, zone: Build, tmp_path: Path, judged: Callable[..., Judgement]
) -> None:
    from streetsight.models.taxonomy import load_taxonomy, with_additions

    additions = tmp_path / "classes.toml"
    additions.write_text(
        '[[classes]]\nid = 1000\nname = "food_cart"\nzh = "餐车"\nen = "food cart"\ncolour = "#112233"\n'
        'condition = "street_vending"\nparking = "motor"\n',
        encoding="utf-8",
    )
    cart = place(sighting(0), sighting(900), class_name="food_cart")
    judgement = judged(cart, zones=(zone("no_parking"),), taxonomy=with_additions(load_taxonomy(), additions))
    assert {each.condition for each in judgement.candidates} == {"street_vending", "illegal_parking"}
    assert all(each.proposal.code is None for each in judgement.candidates)  # the city gave none


@given(st.permutations(range(6)))
def test_the_order_of_places_does_not_matter(order: list[int]) -> None:
    from streetsight.inference.places.sighting import Glimpse, Sighting

    names = ["garbage", "garbage", "street_vendor", "person", "graffiti", "pothole"]
    places = []
    for index, name in enumerate(names):
        look = Glimpse(f"{index}", None, 0.5, (10.0, 10.0, 90.0, 90.0), (1280, 720), None)
        seen = Sighting(f"s{index}", "p", "d", name, (look,))
        places.append(Place(f"p{index}", name, (seen,), 114.26, 30.54 + index * 1e-5, (1.0, 0.0, 1.0)))
    rules = load_rules()
    one, other = (
        judge(each, ZoneMap((), rules.zone_kinds), rules, {})
        for each in (places, [places[index] for index in order])
    )
    assert [each.id for each in one.candidates] == [each.id for each in other.candidates]
    assert [each.duplicates for each in one.candidates] == [each.duplicates for each in other.candidates]
    assert len(one.candidates) + len(one.not_leads) == len(places)
