"""Recipes: small files of differences; what is unknown is refused."""

from pathlib import Path

import pytest

from streetsight.training.recipe import RECIPES, RecipeError, load_recipe


def test_shipped_recipe_has_a_reason() -> None:
    recipe = load_recipe("first")
    assert recipe.reason
    assert recipe.repeats["cn_manholes"] > 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('reason = "x"\nepochs = 1\nlearning_rate = 0.1\nepoch = 3', "unknown keys epoch;"),
        ('reason = "x"\nepochs = 1\nlearning_rate = 0.1\nimage_size = 500', "multiple of 32"),
        ('reason = "x"\nepochs = 1', "mine.toml: learning_rate: Field required"),
        ('reason = "x"\nepochs = "many"\nlearning_rate = 0.1', "epochs: Input should be a valid integer"),
        ('reason = "x"\nepochs = 1.5\nlearning_rate = 0.1', "epochs: Input should be a valid integer"),
        ('reason = "x"\nepochs = 1\nlearning_rate = 0.1\nheads = "three"', "heads: Input should be 'both'"),
        ('reason = "x"\nepochs = 1\nlearning_rate = 0.1\n[repeats]\na = "b"', "repeats.a: Input should be"),
        ("reason = ", "Invalid value"),
        ('reason="x"\nepochs=1\nlearning_rate=0.1\nteacher_sure=0.1\nteacher_unsure=0.5', "teacher_unsure"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=says):
        load_recipe(str(path))


def test_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(RecipeError, match="shipped recipes: few, first"):
        load_recipe("best")


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_every_shipped_recipe_is_explained(name: str) -> None:
    assert load_recipe(name).name == name
    assert f"| `{name}` |" in (Path(__file__).parents[3] / "docs/training.md").read_text(encoding="utf-8")
