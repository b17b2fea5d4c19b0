"""The plan for a city is reckoned from what was measured and from named assumptions, and nothing else."""

import copy
import json
import re
import tomllib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Inputs = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def scale(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("scale")


@pytest.fixture
def inputs(scale: ModuleType) -> Inputs:
    """What is assumed, and what was measured."""
    return tomllib.loads(scale.ASSUMED.read_text(encoding="utf-8")), json.loads(scale.MEASURED.read_text())


def number(tables: dict[str, list[tuple[str, ...]]], table: str, row: str) -> float:
    (found,) = (cells[-1] for cells in tables[table] if cells[0].startswith(row))
    return float(re.findall(r"[\d,.]*\d", found)[-1].replace(",", ""))


def test_the_page_is_what_is_reckoned(scale: ModuleType, inputs: Inputs) -> None:
    shown = scale.PAGE.read_text(encoding="utf-8")
    assert scale.page_with(shown, *inputs) == shown, "run `python docs/scale.py`"


def test_tables_hold_what_they_are_made_of(scale: ModuleType, inputs: Inputs) -> None:
    """By hand, for a city of round figures."""
    assumed, measured = copy.deepcopy(inputs)
    assumed["city"] |= {
        "frames_per_day": 864_000, "peak_hour_share": 0.1, "photo_bytes": 1_000_000,
        "metres_between_frames": 10, "detections_per_frame": 2,
    }  # fmt: skip
    assumed["machines"] |= {"use": 0.5, "cores": 10}
    assumed["keeping"] |= {"photo_days": 10, "row_days": 100, "copies": 2}
    measured["costs"] |= {"upload_ms": 10.0, "worker_ms": 40.0, "bare_ms": 30.0}
    for table in measured["city"]["tables"].values():
        table |= {"rows": 100, "bytes_per_row": 500.0, "index_bytes_per_row": 100.0}
    tables = scale.reckon(assumed, measured)
    assert number(tables, "cores", "workers, the queue") == 1  # 10/s of 40 ms on cores half used: 0.8
    assert number(tables, "cores", "web servers") == 0  # 24/s of 10 ms on cores half used: 0.48
    assert number(tables, "storage", "photos of 10 days") == 9  # 8.64 TB
    assert number(tables, "storage", "7.00 rows") == 3500  # frame, result, pose, digest, 2 detections, tile
    assert number(tables, "network", "vehicles") == 0.2  # 24/s of 8 Mbit
    assert number(tables, "limits", "one server") == 8.6  # 5 cores for 86,400 s at 50 ms


def test_what_gives_way_first_stands_first(scale: ModuleType, inputs: Inputs) -> None:
    assumed, measured = copy.deepcopy(inputs)
    assumed["machines"]["link_gbit"] = 0.001
    assert scale.reckon(assumed, measured)["limits"][0][0].startswith("a link")


def test_prices_tell_where_they_come_from(inputs: Inputs) -> None:
    prices = inputs[0]["prices"]
    assert prices["date"]
    assert prices["source"]


def test_a_page_without_a_table_is_refused(scale: ModuleType, inputs: Inputs) -> None:
    with pytest.raises(ValueError, match="no block 'measured'"):
        scale.page_with("# A city\n", *inputs)


def test_newer_figures_take_the_place_of_older(
    scale: ModuleType, inputs: Inputs, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps({"costs": {"upload_ms": 1.0}, "folder": {}}))
    monkeypatch.setattr(scale, "BENCH", bench)
    monkeypatch.setattr(scale, "CITY", tmp_path / "nothing.json")
    taken = scale.take(inputs[1])
    assert taken["costs"] == {"upload_ms": 1.0}
    assert taken["city"] == inputs[1]["city"]
