"""The steps on a frame's way, by name, so that tests can kill the process at each of them.

In production nobody watches and a step costs one comparison.
"""

from collections.abc import Callable
from typing import Literal

Step = Literal[
    "accepted",   # the upload was read whole and looks like a photo
    "stored",     # its bytes are on the disk
    "written",    # its row and job are in a transaction that is not committed
    "committed",  # the row is on the disk; nobody has been answered
    "claimed",    # a worker has leased the job
    "detected",   # the result is in memory
    "publishing", # the result is in a transaction that is not committed
    "published",  # what a worker did is on the disk
    "assembled",  # sightings, places and coverage of a patrol are in memory
    "settling",   # they and the candidates are in a transaction that is not committed
]  # fmt: skip

AgentStep = Literal[
    "filed",      # a photo's bytes are synced under their own name; no row names them
    "noting",     # the row is in a transaction that is not committed
    "kept",       # the row is on the disk: from here on the agent answers for the frame
    "redacted",   # the copy that may leave is on the disk; the row still names the original
    "looked",     # the row names what may leave
    "evicting",   # rows are marked and logged in a transaction that is not committed
    "evicted",    # that is on the disk; the files are still there
    "posted",     # the server has answered; the spool does not know it yet
    "sent",       # it knows
    "pieced",     # a piece of a resumable upload was acknowledged
]  # fmt: skip
"""The same on its way through a vehicle."""

watch: Callable[[Step | AgentStep], None] | None = None


def passed(step: Step | AgentStep) -> None:
    """Say that a step was reached."""
    if watch is not None:
        watch(step)
