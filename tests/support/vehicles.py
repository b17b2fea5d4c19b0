"""A vehicle and its server as real processes: a camera's folder, an agent, `streetsight serve`."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
import yaml
from dying import DYING
from loopback import wait_until_up

QUICK: dict[str, Any] = {
    "settled_s": 0, "remove_taken": True, "heartbeat_s": 1, "patrol_gap_minutes": 30,
    "spool": {"min_free_bytes": 0}, "upload": {"timeout_s": 5, "batch_photos": 8, "retry_max_s": 1},
}  # fmt: skip


def jpegs(count: int, seed: int, side: int = 64) -> list[bytes]:
    """Small photos, each with other bytes."""
    chance = np.random.default_rng(seed)
    coarse = (chance.integers(0, 255, (side // 8, side // 8, 3), dtype=np.uint8) for _ in range(count))
    return [
        bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(each.repeat(8, 0).repeat(8, 1)), 60))
        for each in coarse
    ]


class City:
    """`streetsight serve` in a folder of its own, over SQLite."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port, self.url = folder, port, f"http://127.0.0.1:{port}"
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")
        } | {
            "STREETSIGHT_DATA_FOLDER": str(folder), "STREETSIGHT_MIN_FREE_BYTES": "0",
            "STREETSIGHT_PORT": str(port), "STREETSIGHT_LOG_LEVEL": "error",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder.with_name(f"{folder.name}.log")
        self.command("migrate")

    def command(self, *words: str) -> str:
        """What a command with the server's settings prints."""
        return subprocess.run(
            [sys.executable, "-m", "streetsight", *words], env=self._environment, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ).stdout.strip()  # fmt: skip

    def start(self, workers: int = 0, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streetsight", "serve", "--workers", str(workers)],
                env=self._environment, stderr=log, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        if wait:
            self.wait()

    def wait(self) -> None:
        assert self.process is not None
        wait_until_up(f"{self.url}/healthz", self.process)

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def photos(self) -> dict[str, bytes]:
        """Digest -> bytes of all frames; each digest once, and the bytes are those of the digest."""
        with closing(sqlite3.connect(self.folder / "streetsight.sqlite")) as database:
            digests = [row[0] for row in database.execute("SELECT sha256 FROM frames")]
        assert len(digests) == len(set(digests))
        files = {path.name: path for path in (self.folder / "files").rglob("*") if path.is_file()}
        found = {each: next(path for name, path in files.items() if each in name) for each in digests}
        photos = {each: path.read_bytes() for each, path in found.items()}
        assert all(hashlib.sha256(photo).hexdigest() == each for each, photo in photos.items())
        return photos

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "streetsight.sqlite")) as database:
            return database.execute(query).fetchall()


class Vehicle:
    """An agent with a camera's folder. Files that vanished from there are those it answers for."""

    def __init__(self, folder: Path, server: str, token: str, **settings: Any) -> None:
        self.folder, self.camera, self.state = folder, folder / "camera", folder / "state"
        self.camera.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)
        self.server = server
        self.process: subprocess.Popen[bytes] | None = None
        self._said = 0  # characters of the log that are of those before
        self.configure(**settings)

    def configure(self, **settings: Any) -> None:
        both = {**QUICK, **settings}
        (self.folder / "device.yaml").write_text(yaml.safe_dump({"agent": both}))

    def shoot(self, name: str, photo: bytes) -> None:
        """As cameras should and many do not: at once, whole."""
        draft = self.camera / f".{name}"
        draft.write_bytes(photo)
        draft.rename(self.camera / name)

    def start(self, step: str = "none", count: int = 1, verb: str = "run", *more: str) -> None:
        words = ["agent", verb, "--state", str(self.state), "--profile", str(self.folder / "device.yaml")]
        words += ["--server", self.server, "--token-file", str(self.folder / "token"), *more]
        if verb == "run":
            words += ["--source", str(self.camera)]
        with (self.folder / "agent.log").open("ab") as log:
            self._said = len(self.log())
            self.process = subprocess.Popen(
                [sys.executable, "-c", DYING, step, str(count), *words], stderr=log, stdout=log
            )

    def log(self) -> str:
        return (self.folder / "agent.log").read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Ask it to stop, and see that it does so cleanly."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        assert status == 0, f"ended with {status}: {self.log()[-2000:]}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.state / "spool.sqlite")) as database:
            return database.execute(query).fetchall()

    def wait_until_running(self) -> None:
        """Until the one that was started last is at work: it has a spool, and ends cleanly when asked to."""
        while '"agent_running"' not in self.log()[self._said :]:
            assert self.process is not None
            assert self.process.poll() is None, self.log()[-2000:]
            time.sleep(0.05)

    def evicted_unsent(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT taken_sha256 FROM evictions WHERE state != 'sent'")}

    def in_camera(self) -> set[str]:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.camera.glob("*.jpg")}

    def wait_until_empty(self, patience_s: float = 60) -> None:
        """Until the camera's folder is, and all is sent."""
        deadline = time.monotonic() + patience_s
        waiting = "SELECT count(*) FROM frames WHERE state IN ('new', 'waiting', 'uploaded') AND thinned = 0"
        while any(self.camera.glob("*.jpg")) or self.rows(waiting)[0][0]:
            assert self.process is None or self.process.poll() is None, self.log()[-2000:]
            assert time.monotonic() < deadline, self.log()[-2000:]
            time.sleep(0.1)
