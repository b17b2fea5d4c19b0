"""Names of releases: what will not do is said before the long work, and nothing is left behind."""

from pathlib import Path

import pytest

from streetsight.models.releases import ReleaseError
from streetsight.training.release import NameTakenError, drafted


@pytest.mark.parametrize("name", ["naive_x", "Spring", "", "../out", "-x", "春"])
def test_a_name_that_will_not_do_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(ReleaseError, match="small letters, digits, points and hyphens"),
        drafted(tmp_path, name),
    ):
        pytest.fail("the long work began")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "spring-1").mkdir()
    with pytest.raises(NameTakenError, match="choose another name"), drafted(tmp_path, "spring-1"):
        pytest.fail("the long work began")
