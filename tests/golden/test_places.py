"""One thing in the street, one place; what is parked, not what drives: on fixed simulated streets.

The streets and their wider use are in `benchmarks/`; these are the same figures on few of them.
"""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module")
def benchmarks() -> dict[str, ModuleType]:
    """`benchmarks.passes`, `.places`, `.parking`, whether or not the root is on the path."""
    loaded = {}
    for name in ("passes", "places", "parking"):
        full = f"benchmarks.{name}"
        if full not in sys.modules:
            spec = importlib.util.spec_from_file_location(full, ROOT / "benchmarks" / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            sys.modules[full] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[full])
        loaded[name] = sys.modules[full]
    return loaded


def test_three_passes_make_one_place_of_each_thing(benchmarks: dict[str, ModuleType]) -> None:
    verdicts = [benchmarks["places"].street(seed, 8.0) for seed in (0, 1, 2, 4)]
    things = sum(each.expected for each in verdicts)
    errors = np.concatenate([each.errors_m for each in verdicts])

    assert things > 300
    assert sum(each.one for each in verdicts) / things >= 0.95
    assert sum(each.split for each in verdicts) / things <= 0.03
    assert sum(each.merged for each in verdicts) / things <= 0.03
    assert sum(each.missed for each in verdicts) == 0
    assert np.median(errors) <= 2.5
    assert np.percentile(errors, 95) <= 6.0
    assert 0.85 <= np.mean(np.concatenate([each.inside for each in verdicts])) <= 1.0


def test_what_stands_in_a_zone_is_found_and_what_drives_is_not(benchmarks: dict[str, ModuleType]) -> None:
    total = sum((benchmarks["parking"].street(seed) for seed in (200, 201, 202)), Counter[str]())

    assert total["expected"] > 40
    assert total["found"] / total["expected"] >= 0.9
    assert total["right"] / (total["right"] + total["wrong"] + total["moving"]) >= 0.9
    assert total["moving"] == 0
