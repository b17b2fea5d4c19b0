"""Our side as a process of its own, for speed and memory.

    python -m benchmarks.our_side FOLDER OUT.json

Decode to detections as JSON lines over all cores, with the release in force.
"""

import json
import sys
import time
from pathlib import Path

import psutil

from streetsight.inference.pipeline import detect_photos, open_detector
from streetsight.inference.sources import find_photos
from streetsight.inference.writers import to_json
from streetsight.models.releases import load_release


def main() -> None:
    folder, out = sys.argv[1:]
    sources = find_photos([folder])
    release = load_release()
    detector, workers = open_detector(release, len(sources))
    # The other side runs its first photo beforehand too: backends prepare for each new shape.
    list(detect_photos(sources[: 2 * workers], detector, workers))
    process, resident = psutil.Process(), []
    started = time.perf_counter()
    with Path(out).with_suffix(".jsonl").open("w") as lines:
        for result in detect_photos(sources, detector, workers):
            lines.write(json.dumps(to_json(result, release.card)) + "\n")
            resident.append(process.memory_info().rss)
    seconds = time.perf_counter() - started
    Path(out).write_text(json.dumps({"seconds": seconds, "photos": len(sources), "resident": resident}))


if __name__ == "__main__":
    main()
