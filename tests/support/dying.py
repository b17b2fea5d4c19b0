"""A process that kills itself with -9 when it reaches a step for the n-th time."""

# To be run with `python -c`: step, count, then the words of a `streetsight` command.
DYING = """
import faulthandler, os, signal, sys, threading
faulthandler.enable()
from streetsight.service import steps
step, left, lock = sys.argv[1], int(sys.argv[2]), threading.Lock()
def watch(name):
    global left
    with lock:
        left -= name == step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
steps.watch = watch
sys.argv = ["streetsight", *sys.argv[3:]]
from streetsight.__main__ import main
main()
"""
