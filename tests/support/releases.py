"""An operator's own registry with a challenger and what it was compared with."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from streetsight.models.card import read_card, write_card
from streetsight.models.comparison import Comparison, Curve, FrozenSet, LeakCheck, Row, Side
from streetsight.models.registry import Registry, load_only
from streetsight.models.releases import SHIPPED, Release

CHAMPION = "street-n-3"


def registry_with_challengers(folder: Path) -> Registry:
    """A registry in which `challenger` may be promoted, `worse` may not, and `new` was not compared.

    They are the files of the shipped release in force under other names.
    """
    folder.mkdir(exist_ok=True)
    registry = Registry((folder, SHIPPED))
    champion = registry.release(CHAMPION)
    for name in ("challenger", "worse", "new"):
        made = _renamed(SHIPPED / CHAMPION, folder.parent / "made" / name, name)
        registry.register(made, load_only, "test")
    registry.record(comparison(champion, registry.release("challenger"), 0.04), "test")
    registry.record(comparison(champion, registry.release("worse"), -0.2), "test")
    return registry


def comparison(champion: Release, challenger: Release, better_by: float) -> Comparison:
    """Evidence in which the challenger is so much better everywhere."""
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("mean", "mean", {}), ("condition", "exposed_garbage", {}), ("condition", "street_vending", {}),
        ("condition", "broken_facility", {}), ("condition", "illegal_parking", {}),
        ("condition", "defacement", {}),
        ("class", "garbage", {}), ("class", "pothole", {}), ("class", "car", {"gated": False}),
    ]  # fmt: skip
    return Comparison(
        created=datetime(2026, 11, 20, 9, 30, tzinfo=UTC), champion=_side(champion),
        challenger=_side(challenger),
        frozen_set=FrozenSet(version=None, part="test", digest="f" * 64, photos=638, groups=412),
        draws=1000, seed=0, leak=LeakCheck(proof="photo list"), champion_leak=LeakCheck(proof="none"),
        rows=tuple(_row(kind, name, better_by, **more) for kind, name, more in rows),
        curves=tuple(_curve(name, better_by) for _, name, _ in rows[1:]),
    )  # fmt: skip


def _renamed(shipped: Path, made: Path, name: str) -> Path:
    shutil.copytree(shipped, made)
    card = read_card(made / "card.json")
    write_card(card.model_copy(update={"name": name}), made / "card.json")
    return made


def _side(release: Release) -> Side:
    return Side(address=release.address, card_sha256=release.card_sha256(), classes=release.card.class_names)


def _row(kind: Any, name: str, better_by: float, **more: Any) -> Row:
    champion = 0.62 + 0.03 * (len(name) % 5)
    return Row(
        kind=kind, name=name, boxes=147, groups=128, champion=champion, challenger=champion + better_by,
        low=better_by - 0.02, high=better_by + 0.02, p_worse=0.9 if better_by > 0 else 1e-6,
        **{"gated": True, **more},
    )  # fmt: skip


def _curve(name: str, better_by: float) -> Curve:
    recall = np.linspace(0, 0.9, 60)
    champion = 1 / (1 + np.exp(9 * (recall - 0.75)))
    challenger = 1 / (1 + np.exp(9 * (recall - 0.75 - better_by)))
    return Curve(
        name=name, champion_recall=tuple(recall), champion_precision=tuple(champion),
        challenger_recall=tuple(recall), challenger_precision=tuple(challenger),
    )  # fmt: skip
