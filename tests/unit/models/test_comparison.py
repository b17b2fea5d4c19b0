"""Many figures looked at once: how often chance alone is taken for a difference."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streetsight.models.comparison import holm

P_VALUES = st.lists(st.floats(0, 1), max_size=15)


def test_an_example_worked_by_hand() -> None:
    # .005 <= .05 / 4 and .01 <= .05 / 3, but .03 > .05 / 2: there it stops, also for .04 <= .05 / 1
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == (True, False, False, True)


@given(P_VALUES, st.floats(0.001, 0.5))
def test_it_rejects_no_more_than_each_by_itself_and_no_less_than_bonferroni(
    p_values: list[float], level: float
) -> None:
    for p_value, rejected in zip(p_values, holm(p_values, level), strict=True):
        assert not rejected or p_value <= level
        assert rejected or p_value > level / len(p_values)


@given(P_VALUES.filter(lambda values: len(set(values)) == len(values)), st.randoms())
def test_the_order_of_figures_does_not_matter(p_values: list[float], rng: random.Random) -> None:
    order = rng.sample(range(len(p_values)), len(p_values))
    straight, shuffled = holm(p_values, 0.05), holm([p_values[index] for index in order], 0.05)
    assert [straight[index] for index in order] == list(shuffled)


@given(st.integers(1, 20), st.integers(0, 1000))
def test_chance_alone_is_taken_for_a_difference_as_often_as_allowed(count: int, seed: int) -> None:
    rng = random.Random(seed)
    taken = sum(any(holm([rng.random() for _ in range(count)], 0.05)) for _ in range(400))
    assert taken <= 45, "20 are expected, with a standard deviation of 4.4"
