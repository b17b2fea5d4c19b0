"""Reckon a city from measured costs and write the tables of docs/scale.md.

What was measured is taken from out/bench.json (`make bench ARGS=costs`) and out/city.json
(`python -m benchmarks.city ... --out out/city.json`) where they are there, and kept beside the page in
scale.json; what was assumed stands in scale.toml. A test reckons the page anew.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE, MEASURED, ASSUMED = HERE / "scale.md", HERE / "scale.json", HERE / "scale.toml"
BENCH, CITY = HERE.parent / "out" / "bench.json", HERE.parent / "out" / "city.json"
DAY, HOUR, TB, MONTH_DAYS = 86_400, 3_600, 1e12, 30
TARGET_MS = 200
PER_FRAME = ("frames", "results", "frame_poses", "frame_digests")
Row = tuple[str, ...]


def reckon(assumed: dict[str, Any], measured: dict[str, Any]) -> dict[str, list[Row]]:
    """The page's tables: name, then rows of text."""
    load, database = _load(assumed), _database(assumed, measured)
    cores = _cores(assumed, measured, load)
    stored = _stored(assumed, database)
    return {
        "measured": _measured(measured),
        "queries": _queries(measured),
        "rows": _rows(measured),
        "upgrade": _upgrade(measured),
        "dropping": _dropping(measured),
        "met": _met(measured),
        "cores": _core_rows(cores, load),
        "storage": _storage_rows(assumed, stored, database),
        "network": _network_rows(assumed, load),
        "limits": _limits(assumed, measured, database),
        "costs": _costs(assumed, cores, stored),
    }


def _load(assumed: dict[str, Any]) -> dict[str, float]:
    city = assumed["city"]
    frames = city["frames_per_day"]
    return {
        "mean_per_s": frames / DAY,
        "peak_per_s": frames * city["peak_hour_share"] / HOUR,
        "km": frames * city["metres_between_frames"] / 1000,
    }


def _cores(assumed: dict[str, Any], measured: dict[str, Any], load: dict[str, float]) -> dict[str, float]:
    """Cores to buy. Uploads must be taken when they come; workers have the whole day."""
    costs, use = measured["costs"], assumed["machines"]["use"]
    rest = costs["worker_ms"] - costs["bare_ms"]
    return {
        "web": load["peak_per_s"] * costs["upload_ms"] / 1000 / use,
        "worker": load["mean_per_s"] * costs["worker_ms"] / 1000 / use,
        "worker_at_once": load["peak_per_s"] * costs["worker_ms"] / 1000 / use,
        "worker_beside_gpu": load["mean_per_s"] * rest / 1000 / use,
        "gpus": load["mean_per_s"] / assumed["machines"]["gpu_frames_per_s"] / use,
    }


def _database(assumed: dict[str, Any], measured: dict[str, Any]) -> dict[str, float]:
    """Bytes and rows that one frame leaves."""
    tables = measured["city"]["tables"]
    tiles = tables["covered_tiles"]["rows"] / tables["frames"]["rows"]
    found = assumed["city"]["detections_per_frame"]
    counts = {**dict.fromkeys(PER_FRAME, 1.0), "detections": found, "covered_tiles": tiles}
    return {
        "bytes": sum(count * tables[name]["bytes_per_row"] for name, count in counts.items()),
        "index_bytes": sum(count * tables[name]["index_bytes_per_row"] for name, count in counts.items()),
        "rows": sum(counts.values()),
        "tiles": tiles,
    }


def _stored(assumed: dict[str, Any], database: dict[str, float]) -> dict[str, float]:
    """Terabytes that lie there once everything is as old as it may become."""
    city, keeping = assumed["city"], assumed["keeping"]
    day = city["frames_per_day"] * city["photo_bytes"] / TB
    rows = city["frames_per_day"] * database["bytes"] / TB
    return {
        "photos_day": day, "rows_day": rows, "near": day * keeping["photo_days"],
        "evidence": day * keeping["evidence_share"] * keeping["evidence_days"],
        "rows": rows * keeping["row_days"],
    }  # fmt: skip


def _measured(measured: dict[str, Any]) -> list[Row]:
    costs = measured["costs"]
    return [
        ("upload, web server", f"{costs['upload_ms']:.1f} ms of a core"),
        ("bare detection, 1080p", f"{costs['bare_ms']:.1f} ms of a core"),
        ("worker, from the queue to the assembled patrol", f"{costs['worker_ms']:.1f} ms of a core"),
        (
            "photos measured; load of the machine meanwhile",
            f"{costs['photos']}; {costs['load'][0]:.0f} on 2 cores",
        ),
    ]


def _queries(measured: dict[str, Any]) -> list[Row]:
    whole = measured.get("whole", {}).get("queries", {})
    nothing = {"p50_ms": None, "p95_ms": None}
    return [
        (name, *(_ms(each) for each in (*found.values(), *whole.get(name, nothing).values())))
        for name, found in measured["city"]["queries"].items()
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _rows(measured: dict[str, Any]) -> list[Row]:
    return [
        (name, f"{found['rows']:,}", f"{found['bytes_per_row']:.0f}", f"{found['index_bytes_per_row']:.0f}",
         str(found["parts"]))
        for name, found in measured["city"]["tables"].items()
    ]  # fmt: skip


def _met(measured: dict[str, Any]) -> list[Row]:
    """How many queries are quick enough, and which are not."""
    times = {name: found["p95_ms"] for name, found in measured["city"]["queries"].items()}
    slow = sorted(name for name, each in times.items() if each > TARGET_MS)
    load = f"{measured['city']['load'][0]:.0f} on 2 cores"
    return [(f"{len(times) - len(slow)} of {len(times)}", "; ".join(slow) or "none", load)]


def _dropping(measured: dict[str, Any]) -> list[Row]:
    found = measured["city"]["dropping"]
    return [(f"{found['rows']:,}", f"{found['row_by_row_s']:.1f}", f"{found['partition_s']:.2f}")]


def _upgrade(measured: dict[str, Any]) -> list[Row]:
    found = measured["upgrade"]
    million = found["seconds"] / found["frames"] * 1e6
    return [(f"{found['frames']:,}", f"{found['seconds']:.0f}", f"{million:.1f}")]


def _core_rows(cores: dict[str, float], load: dict[str, float]) -> list[Row]:
    return [
        (
            "frames a second, mean and in the busiest hour",
            f"{load['mean_per_s']:.0f}, {load['peak_per_s']:.0f}",
        ),
        ("web servers, in the busiest hour", f"{cores['web']:.0f} cores"),
        ("workers, the queue spread over the day", f"{cores['worker']:.0f} cores"),
        ("workers, when nothing may wait", f"{cores['worker_at_once']:.0f} cores"),
        ("workers beside GPUs that detect", f"{cores['worker_beside_gpu']:.0f} cores"),
        ("GPUs for that (assumed speed)", f"{cores['gpus']:.1f}"),
    ]


def _storage_rows(assumed: dict[str, Any], stored: dict[str, float], database: dict[str, float]) -> list[Row]:
    keeping, copies = assumed["keeping"], assumed["keeping"]["copies"]
    return [
        ("photos a day", "object storage", f"{stored['photos_day']:.1f} TB"),
        (f"photos of {keeping['photo_days']} days", "object storage, near", f"{stored['near']:.0f} TB"),
        (f"evidence of {keeping['evidence_days']} days", "object storage, cold",
         f"{stored['evidence']:.0f} TB"),
        (f"{database['rows']:.2f} rows of one frame", "SSD", f"{database['bytes']:,.0f} B"),
        ("of them indexes", "SSD", f"{database['index_bytes']:,.0f} B"),
        ("rows a day", "SSD", f"{1000 * stored['rows_day']:.0f} GB"),
        (f"rows of {keeping['row_days']} days, {copies} copies", "SSD", f"{stored['rows'] * copies:.0f} TB"),
    ]  # fmt: skip


def _network_rows(assumed: dict[str, Any], load: dict[str, float]) -> list[Row]:
    gbit = load["peak_per_s"] * assumed["city"]["photo_bytes"] * 8 / 1e9
    mean = load["mean_per_s"] * assumed["city"]["photo_bytes"] * 8 / 1e9
    return [
        ("vehicles to web servers, busiest hour", f"{gbit:.1f} Gbit/s"),
        ("web servers to object storage, busiest hour", f"{gbit:.1f} Gbit/s"),
        ("object storage to workers, mean", f"{mean:.1f} Gbit/s"),
    ]


def _limits(assumed: dict[str, Any], measured: dict[str, Any], database: dict[str, float]) -> list[Row]:
    """What gives way, by the frames a day at which it does; the first one first."""
    city, machines, costs = assumed["city"], assumed["machines"], measured["costs"]
    seconds = (costs["upload_ms"] + costs["worker_ms"]) / 1000
    row_days, tiles = assumed["keeping"]["row_days"], measured["most_tiles"]
    disk, link, cores = machines["database_tb"], machines["link_gbit"], machines["cores"]
    found = {
        f"one answer about the ground of the whole city on one day, {tiles:,} tiles": tiles
        / database["tiles"],
        f"one server of {cores} cores for everything": cores * machines["use"] * DAY / seconds,
        f"disk of one database, {disk:.0f} TB, with rows of {row_days} days": (
            disk * TB / row_days / database["bytes"]
        ),
        f"a link of {link:.0f} Gbit/s in the busiest hour": (
            link * 1e9 / 8 / city["photo_bytes"] * HOUR / city["peak_hour_share"]
        ),
    }
    ordered = sorted(found.items(), key=lambda pair: pair[1])
    return [(name, f"{frames / 1e6:.1f} million") for name, frames in ordered]


def _costs(assumed: dict[str, Any], cores: dict[str, float], stored: dict[str, float]) -> list[Row]:
    prices, copies = assumed["prices"], assumed["keeping"]["copies"]
    months = {
        "web servers": cores["web"] * prices["core_month"],
        "workers without GPUs": cores["worker"] * prices["core_month"],
        "database disks": stored["rows"] * copies * prices["ssd_tb_month"],
        "photos, near": stored["near"] * prices["object_tb_month"],
        "photos, evidence": stored["evidence"] * prices["cold_tb_month"],
    }
    km = _load(assumed)["km"] * MONTH_DAYS / 1000
    rows = [(name, f"{month:,.0f}", f"{month / km:.2f}") for name, month in months.items()]
    whole = sum(months.values())
    with_gpus = (
        whole - months["workers without GPUs"] + cores["worker_beside_gpu"] * prices["core_month"]
        + cores["gpus"] * prices["gpu_month"]
    )  # fmt: skip
    return [
        *rows,
        ("together", f"{whole:,.0f}", f"{whole / km:.2f}"),
        ("together, with GPUs that detect", f"{with_gpus:,.0f}", f"{with_gpus / km:.2f}"),
    ]


HEADS: dict[str, Row] = {
    "measured": ("one frame", "processor time"),
    "queries": ("query", "p50 ms", "p95 ms", "p50 ms, tables whole", "p95 ms, tables whole"),
    "rows": ("table", "rows", "bytes per row", "of them in indexes", "partitions"),
    "met": (f"queries with a p95 of at most {TARGET_MS} ms", "the others", "load of the machine"),
    "dropping": ("detections", "deleted row by row and vacuumed, s", "partition dropped, s"),
    "upgrade": ("frames", "seconds", "seconds per million"),
    "cores": ("work", "needs"),
    "storage": ("what", "where", "size"),
    "network": ("way", "needs"),
    "limits": ("what gives way", "at frames a day"),
    "costs": ("part", "a month, {currency}", "per 1,000 km, {currency}"),
}


def page_with(text: str, assumed: dict[str, Any], measured: dict[str, Any]) -> str:
    """The page with its tables as they are reckoned now."""
    for name, rows in reckon(assumed, measured).items():
        head = tuple(each.format(currency=assumed["prices"]["currency"]) for each in HEADS[name])
        lines = [head, ("---",) * len(head), *rows]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        marks = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        block = f"{marks[0]}\n{table}\n{marks[1]}"
        text, count = re.subn(f"{marks[0]}.*?{marks[1]}", lambda _, block=block: block, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE.name} has no block {name!r} between {marks[0]} and {marks[1]}")
    return text


def take(measured: dict[str, Any]) -> dict[str, Any]:
    """What was measured, with what lies in out/ in the place of what was known."""
    from streetsight.service.coverage.service import MOST_TILES

    bench = json.loads(BENCH.read_text()) if BENCH.is_file() else {}
    newer = {"costs": bench["costs"]} if "costs" in bench else {}
    if CITY.is_file():
        city = json.loads(CITY.read_text())
        known = measured.get("city", {}).get("dropping", {})
        newer |= {"upgrade": city["upgrade"]} if "upgrade" in city else {"city": {"dropping": known, **city}}
    return {**measured, **newer, "most_tiles": MOST_TILES}


def main() -> None:
    known = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    measured = take(known)
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
    text = page_with(
        PAGE.read_text(encoding="utf-8"), tomllib.loads(ASSUMED.read_text(encoding="utf-8")), measured
    )
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
