"""The matrix of what the cities' lists name: complete, agreeing with the taxonomy, rendered as it stands."""

from collections import Counter
from collections.abc import Callable
from types import ModuleType

import pytest

from streetsight.models.releases import load_release
from streetsight.models.taxonomy import DetectorClass, Language, default_taxonomy

# Highest number of each major class of GB/T 47678.5-2026, and the numbers it leaves free.
COMPONENTS = {"01": 77, "02": 44, "03": 16, "04": 14, "05": 9}
MATTERS = {"06": 52, "07": 8, "08": 16, "09": 22, "10": 2}
FREE = {"01016", "05001", "05004", "05005", "05006", "05007", "05008", "06031", "07005", "09007"}


def numbers(highest: dict[str, int]) -> set[str]:
    every = {f"{major}{minor:03}" for major, last in highest.items() for minor in range(1, last + 1)}
    return every - FREE


@pytest.fixture(scope="module")
def matrix(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("matrix")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_are_up_to_date(matrix: ModuleType, language: Language) -> None:
    shown = matrix.PAGES[language].read_text(encoding="utf-8")
    assert shown == matrix.page(matrix.load(), load_release().card, language), "run `python docs/matrix.py`"


@pytest.mark.parametrize(("key", "highest"), [("m", MATTERS), ("c", COMPONENTS)])
def test_every_number_of_the_standard_has_one_row(
    matrix: ModuleType, key: str, highest: dict[str, int]
) -> None:
    listed = Counter(code for item in matrix.items(matrix.load()) for code in item.get(key, ()))
    assert set(listed) == numbers(highest)
    assert [code for code, times in listed.items() if times > 1] == []


def test_every_class_is_in_the_matrix(matrix: ModuleType) -> None:
    named = {name for item in matrix.items(matrix.load()) for name in item.get("classes", ())}
    assert named == set(default_taxonomy().names)


@pytest.mark.parametrize("entry", default_taxonomy().classes, ids=lambda entry: entry.name)
def test_a_class_has_its_codes_in_the_matrix(matrix: ModuleType, entry: DetectorClass) -> None:
    rows = [item for item in matrix.items(matrix.load()) if entry.name in item.get("classes", ())]
    detected = set().union(*(matrix.codes(item) for item in rows if item["how"] == "detected"))
    assert {matrix.key_of(code) for code in entry.codes} <= detected


def test_what_is_detected_has_a_class_and_the_rest_has_a_reason(matrix: ModuleType) -> None:
    for item in matrix.items(matrix.load()):
        assert bool(item.get("classes")) == (item["how"] in {"detected", "partly"}), item["zh"]
        assert item["how"] == "detected" or item.get("why") or item.get("en_note"), item["zh"]
        assert ("zh_note" in item) == ("en_note" in item), item["zh"]
        assert "|" not in str(item)


def test_every_reason_is_used(matrix: ModuleType) -> None:
    data = matrix.load()
    assert {key for item in matrix.items(data) for key in item.get("why", ())} == set(data["reasons"])
