"""Names of other tools find ours, by rule or by themselves."""

from pathlib import Path

import pytest

from streetsight.datasets.classes import MappingError, read_class_map
from streetsight.models.taxonomy import default_taxonomy

TAXONOMY = default_taxonomy()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("garbage", "garbage"), ("Overflowing-Bin", "overflowing_bin"), (" street  vendor ", "street_vendor"),
     (TAXONOMY["pothole"].zh, "pothole"), (TAXONOMY["pothole"].en.title(), "pothole")],
)  # fmt: skip
def test_our_own_names_need_no_rule(theirs: str, ours: str) -> None:
    classes = read_class_map([], TAXONOMY)
    assert classes.knows(theirs)
    assert classes[theirs] == ours


def test_rules_go_first(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[classes]\n"rubbish" = "garbage"\n"dog" = "-"\n', encoding="utf-8")
    classes = read_class_map([str(path), "a=b=sign", "garbage=-"], TAXONOMY)
    assert [classes[name] for name in ("rubbish", "dog", "a=b", "garbage")] == ["garbage", None, "sign", None]
    assert classes.knows("dog")
    assert not classes.knows("cat")


@pytest.mark.parametrize("rule", ["rubbish", "=garbage", "rubbish=unicorn", "rubbish="])
def test_a_rule_that_leads_nowhere_is_said(rule: str) -> None:
    with pytest.raises(
        MappingError, match=r"expected theirs=ours|no class .* in the taxonomy; known: garbage"
    ):
        read_class_map([rule], TAXONOMY)


@pytest.mark.parametrize("text", ["a = 3", "a =", "classes = 3"])
def test_a_file_that_is_no_mapping_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(MappingError, match=r"map\.toml: (cannot be read as TOML|expected lines like)"):
        read_class_map([str(path)], TAXONOMY)
    with pytest.raises(MappingError, match="cannot be read as TOML"):
        read_class_map([str(tmp_path / "gone.toml")], TAXONOMY)
