"""One thing in the street, one place; what is parked, not what drives: on fixed simulated streets.

The streets and their wider use are in `benchmarks/`; these are the same figures on few of them.
"""

from collections import Counter

import numpy as np
import pytest
from benchmarks import parking, places

pytestmark = pytest.mark.golden


def test_three_passes_make_one_place_of_each_thing() -> None:
    verdicts = [places.street(seed, 8.0) for seed in (0, 1, 2, 4)]
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


def test_what_stands_in_a_zone_is_found_and_what_drives_is_not() -> None:
    total = sum((parking.street(seed) for seed in (200, 201, 202)), Counter[str]())

    assert total["expected"] > 40
    assert total["found"] / total["expected"] >= 0.9
    assert total["right"] / (total["right"] + total["wrong"] + total["moving"]) >= 0.9
    assert total["moving"] == 0
