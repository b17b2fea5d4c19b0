"""A recipe: everything that a training run is told, as a small file of differences with reasons."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from pydantic import TypeAdapter, ValidationError

from streetsight.models.language import SpokenError

Heads = Literal["both", "one_to_many"]

RECIPES = Path(__file__).with_name("recipes")


class RecipeError(SpokenError):
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
        teacher_release: a release that labels what nobody labelled, by the same two scores; "start" is
            the one the run starts from; none if empty.
        rendered_seeds: simulated patrols that join the real photos; never those of demo and tests.
        rendered_frames: frames of each.
        repeats: source -> how often each of its photos is shown per epoch (default 1).
        balance_share: photos of classes in a smaller share of photos than this are shown more often.
        multi_scale: each batch is resized by a factor from 1 - this to 1 + this.
        heads: "both", or "one_to_many" alone, a fifth faster, where the release needs no other.
        camera_faults: kind of fault (see `augmentation.KINDS`) -> probability per picture.
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
    teacher_release: str = ""
    rendered_seeds: tuple[int, ...] = ()
    rendered_frames: int = 32
    seed: int = 0
    repeats: dict[str, float] = field(default_factory=dict)
    balance_share: float = 0.0
    multi_scale: float = 0.0
    heads: Heads = "both"
    camera_faults: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.image_size % 32 or self.image_size < 64:
            raise RecipeError("image_size must be a multiple of 32, got {size}", size=self.image_size)
        if not 0 <= self.teacher_unsure <= self.teacher_sure <= 1:
            raise RecipeError("expected 0 <= teacher_unsure <= teacher_sure <= 1")
        if self.heads not in get_args(Heads):
            raise RecipeError(
                "heads must be one of {known}, got {heads}",
                known=", ".join(get_args(Heads)),
                heads=self.heads,
            )


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
        raise RecipeError("no recipe file {name}; shipped recipes: {known}", name=name_or_path, known=shipped)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("{path}: {reason}", path=path, reason=error) from error
    known = {each.name for each in fields(Recipe)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise RecipeError(
            "{path}: unknown keys {unknown}; known: {known}",
            path=path,
            unknown=", ".join(unknown),
            known=", ".join(sorted(known)),
        )
    try:
        return TypeAdapter(Recipe).validate_python({"name": path.stem, **values})
    except ValidationError as error:
        raise RecipeError("{path}: {reason}", path=path, reason=_first_fault(error)) from error


def _first_fault(error: ValidationError) -> object:
    fault = error.errors(include_url=False)[0]
    own = fault.get("ctx", {}).get("error")  # what `__post_init__` says
    return own or f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
