"""How much longer does a faulty link take to drain a vehicle's spool than a clean one of equal bandwidth?

The spool is filled first; then `streetsight agent drain` sends all of it to a real server through the proxy
of the soak test: clean, and with requests dropped, delayed, cut, doubled and refused. Target: 1.3 times.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from benchmarks.running import COMMAND, Served, serving

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from faulty import ROUGH, Faults, FaultyLink

FRAMES, FRAME_BYTES, BYTES_PER_S = 1000, 30_000, 500_000


def measure(frames: int = FRAMES) -> dict[str, Any]:
    seconds: dict[str, float] = {}
    happened: dict[str, int] = {}
    for name, faults in (("clean", Faults()), ("faulty", ROUGH)):
        with (
            tempfile.TemporaryDirectory(prefix="drain-", dir=Path.cwd()) as folder,
            serving(Path(folder), workers=0) as server,
        ):
            link = FaultyLink(server.port, faults, seed=1, bytes_per_s=BYTES_PER_S)
            seconds[name] = _drained_s(Path(folder), server, link, frames)
            happened = dict(link.happened)
            link.close()
    return {
        "frames": frames, "link_bytes_per_s": BYTES_PER_S,
        **{f"{name}_s": round(each, 1) for name, each in seconds.items()},
        "faulty_over_clean": round(seconds["faulty"] / seconds["clean"], 2), "limit": 1.3,
        "faults": happened,
    }  # fmt: skip


def _drained_s(folder: Path, server: Served, link: FaultyLink, frames: int) -> float:
    (folder / "token").write_text(server.token)
    (folder / "device.yaml").write_text(yaml.safe_dump({"agent": {"spool": {"min_free_bytes": 0}}}))
    _fill(folder / "state", frames)
    command = [
        *COMMAND, "agent", "drain", "--server", link.url, "--token-file", str(folder / "token"),
        "--profile", str(folder / "device.yaml"), "--state", str(folder / "state"),
    ]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(command, env=server.environment, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def _fill(state: Path, frames: int) -> None:
    """Photos of equal size: a small picture, and bytes behind its end as some cameras write them."""
    import simplejpeg

    from streetsight.service.agent.settings import SpoolSettings
    from streetsight.service.agent.spool import Looked, Spool

    state.mkdir()
    spool = Spool(state, SpoolSettings)
    patrol = spool.outings.current(3600)
    picture = bytes(simplejpeg.encode_jpeg(np.zeros((64, 64, 3), np.uint8)))
    for number in range(frames):
        stuff = hashlib.shake_128(str(number).encode()).digest(FRAME_BYTES - len(picture))
        spool.keep(picture + stuff, f"{number}.jpg", {}, patrol, Looked(0))
    spool.close()
