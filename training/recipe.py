"""A recipe: everything that a training run is told, as a small file of differences with reasons."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

RECIPES = Path(__file__).with_name("recipes")


class RecipeError(ValueError):
    """A recipe file names something unknown or a value that cannot be."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of one run.

    Attributes:
        reason: why this recipe exists, in a sentence.
        image_size: side of the square training input, pixels, a multiple of 32.
        nominal_batch: photos per optimiser step (gradients of smaller batches are added up).
        learning_rate: AdamW's at its peak; falls linearly to a hundredth.
        frozen_layers: first layers left as the starting weights have them.
        close_mosaic: last epochs without mosaic, so that the model ends on whole photos.
        unlabelled_weight: weight of "absent" for a class that the photo's source did not label.
        teacher_sure: vehicle boxes of the COCO teacher from this score on become labels.
        teacher_unsure: down to this score its boxes say "maybe": the class stays unlabelled there.
        rendered_seeds: simulated patrols that join the real photos; never those of demo and tests.
        rendered_frames: frames of each.
        repeats: source -> how often each of its photos is shown per epoch (default 1).
    """

    name: str
    reason: str
    epochs: int
    learning_rate: float
    image_size: int = 512
    batch: int = 16
    nominal_batch: int = 32
    warmup_epochs: float = 0.5
    frozen_layers: int = 3
    mosaic: float = 1.0
    close_mosaic: int = 2
    scale: float = 0.5
    degrees: float = 0.0
    unlabelled_weight: float = 0.1
    teacher_sure: float = 0.5
    teacher_unsure: float = 0.1
    rendered_seeds: tuple[int, ...] = ()
    rendered_frames: int = 32
    seed: int = 0
    repeats: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.image_size % 32 or self.image_size < 64:
            raise RecipeError(f"image_size must be a multiple of 32, got {self.image_size}")
        if not 0 <= self.teacher_unsure <= self.teacher_sure <= 1:
            raise RecipeError("expected 0 <= teacher_unsure <= teacher_sure <= 1")


def load_recipe(name_or_path: str) -> Recipe:
    """Read a recipe by its name among the shipped ones or by path.

    Raises:
        RecipeError: listing what is unknown and what is known.
    """
    path = Path(name_or_path)
    if not path.is_file():
        path = RECIPES / f"{name_or_path}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(each.stem for each in RECIPES.glob("*.toml")))
        raise RecipeError(f"no recipe file {name_or_path!r}; shipped recipes: {shipped}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: {error}") from error
    known = {each.name for each in fields(Recipe)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise RecipeError(f"{path}: unknown keys {unknown}; known: {sorted(known)}")
    try:
        return Recipe(
            **{"name": path.stem, **values, "rendered_seeds": tuple(values.get("rendered_seeds", ()))}
        )
    except TypeError as error:
        raise RecipeError(f"{path}: {error}") from error
