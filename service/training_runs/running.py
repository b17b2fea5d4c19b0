"""The process of a run: one command after the other, their output in a log, what came of it in a file.

    FOLDER/plan.json     commands in order: name, command, whether the run fails with it
           status.json   what is under way, what is done, how it ended; replaced whole
           log.txt       what the commands say
           run.lock      held while the process lives, or anything that it has started

It goes on when the server is restarted, because it is nobody's child, and whoever finds its lock free and no
end in `status.json` may start it again: done commands are skipped, and `streetsight train` goes on after its
last whole epoch. It leads a process group of its own, so that a cancel reaches whatever it has started.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from streetsight.models.durable import replace_file

PLAN_NAME, STATUS_NAME, LOG_NAME, LOCK_NAME = "plan.json", "status.json", "log.txt", "run.lock"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NICENESS = 10  # photos that come in are looked at first


@dataclass(frozen=True, slots=True)
class Step:
    """One command. Attributes: needed: the run fails when it does."""

    name: str
    command: tuple[str, ...]
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """How far a run is.

    Attributes:
        pid: of the process, and of its group.
        step: under way, or the one that failed.
        done: names of the steps that are over, with their exit codes.
        ended: done or failed; None while it is under way, or when it was killed.
    """

    pid: int = 0
    step: str = ""
    done: dict[str, int] | None = None
    ended: str | None = None


def write_plan(folder: Path, steps: Sequence[Step]) -> None:
    """Say what is to be done; the same again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / PLAN_NAME, json.dumps([asdict(each) for each in steps]).encode())


def start(folder: Path) -> None:
    """Start the process of a run; it outlives this one."""
    command = [sys.executable, "-m", "streetsight.service.training_runs.running", str(folder)]
    with (folder / LOG_NAME).open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    threading.Thread(target=process.wait, daemon=True).start()  # or it stays as a zombie


def read_status(folder: Path) -> Status:
    """How far it is; an empty one before it has begun."""
    path = folder / STATUS_NAME
    return Status(**json.loads(path.read_bytes())) if path.is_file() else Status()


def is_alive(folder: Path) -> bool:
    """Whether the process of a run is there, whoever started it."""
    if not (folder / LOCK_NAME).exists():
        return False
    with (folder / LOCK_NAME).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def end(folder: Path, at_once: bool) -> None:
    """End the process and all that it has started. Only while `is_alive`: its pid is its own then."""
    with suppress(ProcessLookupError):
        os.killpg(read_status(folder).pid, signal.SIGKILL if at_once else signal.SIGTERM)


def tail(folder: Path, most_bytes: int = 20_000) -> str:
    """The end of the log."""
    path = folder / LOG_NAME
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - most_bytes))
        text = file.read().decode("utf-8", "replace")
    plain = _COLOURS.sub("", text).replace("\r\n", "\n")
    # a progress bar writes its line again and again
    return "\n".join(line.rpartition("\r")[2] for line in plain.split("\n"))


def main(folder: Path) -> int:
    """Do what is left of the plan."""
    os.nice(NICENESS)
    with (folder / LOCK_NAME).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another one is at it
        plan = [Step(**each) for each in json.loads((folder / PLAN_NAME).read_bytes())]
        status = replace(read_status(folder), pid=os.getpid(), ended=None)
        for step in plan:
            if step.name in (status.done or {}):
                continue
            status = _write(folder, replace(status, step=step.name))
            code = _run(step.command, lock.fileno())
            if code != 0 and step.needed:
                _write(folder, replace(status, ended="failed"))
                return code
            status = _write(folder, replace(status, done={**(status.done or {}), step.name: code}))
        _write(folder, replace(status, ended="done"))
    return 0


def _run(command: tuple[str, ...], lock: int) -> int:
    print("$", "streetsight", *command[3:], flush=True)  # noqa: T201  this is the log
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, pass_fds=(lock,)).returncode


def _write(folder: Path, status: Status) -> Status:
    content: dict[str, Any] = asdict(status)
    replace_file(folder / STATUS_NAME, json.dumps(content).encode())
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
