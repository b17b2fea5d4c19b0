"""`make bench`: every benchmark in turn, as a table and as out/bench.json.

Pick some with `make bench ARGS="folder memory"`.
"""

import importlib
import json
import platform
import sys
from pathlib import Path

from rich.console import Console

from streetsight.inference.pipeline import cores

ALL = (
    "folder", "accuracy", "cold_start", "memory", "tiling", "dataset_build", "near_duplicates",
    "places", "costs", "parking", "recheck", "rendered", "redaction", "ingest", "service",
    "service_memory", "queries", "engines",
    "scoring", "pages", "agent_memory", "agent_drain",
)  # fmt: skip


def main() -> None:
    console, results = Console(), {}
    for name in sys.argv[1:] or ALL:
        module = importlib.import_module(f"benchmarks.{name}")
        question = (module.__doc__ or "").strip().splitlines()[0]
        console.print(f"[bold]{name}[/]: {question}")
        results[name] = module.measure()
        console.print_json(json.dumps(results[name]))
    out = Path("out/bench.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"cores": cores(), "machine": platform.machine(), **results}, indent=1))
    console.print(f"written to {out}")


if __name__ == "__main__":
    main()
