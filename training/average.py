"""The average of several runs of one kind, weight by weight: often better than each of them.

Runs that started from one another lie in one basin, where the mean of their weights generalises at
least as well (model soups: Wortsman et al., 2022; stochastic weight averaging: Izmailov et al., 2018).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import torch
from torch import Tensor

from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError


class AverageError(SpokenError):
    """These runs cannot be averaged."""


def average_runs(runs: Sequence[Path], target: Path) -> Path:
    """Write a run folder whose checkpoint is the mean of the others', and return the checkpoint.

    The last run's description is kept and names all of them under `averaged`. A head that only some of
    the runs have trained is left out.

    Raises:
        AverageError: fewer than two runs, other classes, or another network.
    """
    if len(runs) < 2:
        raise AverageError("an average needs at least two runs, got {count}", count=len(runs))
    checkpoints = [_load(run) for run in runs]
    models = [each["ema"].float() for each in checkpoints]
    _check_alike(runs, [model.names for model in models], "classes")
    last, states = models[-1], [model.state_dict() for model in models]
    try:
        last.load_state_dict({key: _mean([state[key] for state in states]) for key in states[-1]})
    except (KeyError, RuntimeError) as error:
        raise AverageError("{run} holds another network: {reason}", run=runs[0], reason=error) from error
    checkpoint = target / "weights" / "last.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**checkpoints[-1], "ema": last, "optimizer": None}, checkpoint)
    descriptions = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in runs]
    described = {**descriptions[-1], "averaged": descriptions}
    replace_file(target / "run.json", (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())
    return checkpoint


def _load(run: Path) -> dict[str, Any]:
    path = run / "weights" / "last.pt"
    if not path.is_file():
        raise AverageError("{path}: no checkpoint; expected the folder of a training run", path=path)
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return loaded


def _check_alike(runs: Sequence[Path], values: Sequence[object], what: str) -> None:
    for run, value in zip(runs, values, strict=True):
        if value != values[-1]:
            raise AverageError("{run} and {other} have different {what}", run=run, other=runs[-1], what=what)


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    if not tensors[-1].is_floating_point():
        return tensors[-1]
    return torch.stack([each.float() for each in tensors]).mean(0)
