"""Training runs: start, cancel, find, list."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import select

from streetsight.models.registry import Registry
from streetsight.models.releases import SHIPPED, search_path
from streetsight.service.areas.service import require_whole_city
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.dataset_versions import service as versions
from streetsight.service.dataset_versions.tables import DatasetVersion
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.jobs.queue import enqueue
from streetsight.service.releases.comparing import registered
from streetsight.service.settings import Settings
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.training_runs.running import Step
from streetsight.service.training_runs.tables import TrainingRun

KIND = "training_run"
"""Jobs that look after a run's process; their key is the run's id."""

Recipe = Literal["few", "first", "street"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
UNDER_WAY = ("queued", "running")


class NoRun(NotFound):
    """No training run of this id."""

    code = "no_training_run"


class NotInstalled(Conflict):
    """This server was installed without the training extra."""

    code = "training_not_installed"


class NoOwnRegistry(Conflict):
    """There is nowhere to put a challenger."""

    code = "no_own_registry"


class NameTaken(Conflict):
    """Another release has this name."""

    code = "release_name_taken"


class RunEnded(Conflict):
    """A run that is over cannot be cancelled."""

    code = "training_run_ended"


def is_installed() -> bool:
    """Whether `streetsight train` is offered here: the same question that the command line asks."""
    return find_spec("ultralytics") is not None


def run_folder(settings: Settings, run_id: str) -> Path:
    """Where a run's plan, log, checkpoints and release lie."""
    return settings.data_folder / "training" / run_id


def start_training(session: WriteSession, actor: Actor, run: TrainingRun) -> TrainingRun:
    """Queue a run that trains, exports, registers and compares.

    Raises:
        WholeCityOnly, NotInstalled, NoOwnRegistry, NameTaken, NoRelease, NoVersion, NotBuilt.
    """
    registry = _registry(actor)
    taken = select(TrainingRun.id).where(
        TrainingRun.release_name == run.release_name, TrainingRun.kind == "train",
        TrainingRun.state.in_(UNDER_WAY),
    )  # fmt: skip
    if run.release_name in registry.names() or session.scalar(taken) is not None:
        raise NameTaken("there is a release {name} already; choose another name", name=run.release_name)
    registered(registry, run.weights or "")
    return _queue(session, actor, run)


def start_comparison(session: WriteSession, actor: Actor, run: TrainingRun) -> TrainingRun:
    """Queue a run that compares a release with the one in force. Raises as `start_training`."""
    registered(_registry(actor), run.release_name)
    return _queue(session, actor, run)


def _registry(actor: Actor) -> Registry:
    require_whole_city(actor)
    if not is_installed():
        raise NotInstalled("training is not installed on this server; install streetsight[training] there")
    if search_path()[0] == SHIPPED:
        raise NoOwnRegistry("set STREETSIGHT_RELEASES to a folder of your own, where challengers are kept")
    return Registry(search_path())


def _queue(session: WriteSession, actor: Actor, run: TrainingRun) -> TrainingRun:
    address = versions.address_of(versions.find(session, run.version_id))
    run.made_by = actor.name
    session.add(run)
    session.flush()
    enqueue(session, KIND, run.id)
    details = {
        "kind": run.kind, "release": run.release_name, "version": address, "recipe": run.recipe,
        "weights": run.weights, "reason": run.reason,
    }  # fmt: skip
    record(session, actor, "training_run.started", f"training_run/{run.id}", details)
    return run


def cancel(session: WriteSession, actor: Actor, run_id: str) -> TrainingRun:
    """Have a run ended; its folder stays. Raises NoRun, RunEnded."""
    require_whole_city(actor)
    run = find(session, run_id)
    if run.state not in UNDER_WAY:
        raise RunEnded("the run is over: {state}", state=run.state)
    if run.cancel_asked_at is None:
        run.cancel_asked_at = now()
        session.flush()
        record(session, actor, "training_run.cancelled", f"training_run/{run.id}")
    return run


def find(session: ReadSession, run_id: str) -> TrainingRun:
    """A run. Raises NoRun."""
    run = session.get(TrainingRun, run_id)
    if run is None:
        raise NoRun("there is no training run {id}", id=run_id)
    return run


def list_runs(session: ReadSession, limit: int, cursor: str | None) -> Page[TrainingRun]:
    """Runs, newest first."""
    return page(session, select(TrainingRun), TrainingRun, limit, cursor)


def steps(settings: Settings, run: TrainingRun, version: DatasetVersion) -> list[Step]:
    """The commands of a run. Raises NotBuilt."""
    folder = run_folder(settings, run.id)
    data = (
        "--photos", str(versions.dataset_folder(settings, version.id)),
        "--version", str(versions.version_folder(settings, version)),
    )  # fmt: skip
    compare = _step(
        "models", "compare", run.release_name, *data, name="compare", needed=run.kind == "compare"
    )
    if run.kind == "compare":
        return [compare]
    trained, made = str(folder / "run"), folder / "made"
    epochs = ("--epochs", str(run.epochs)) if run.epochs else ()
    size = ("--size", str(run.size)) if run.size else ()
    return [
        _step("train", "--weights", run.weights or "", "--recipe", run.recipe or "few", "--run", trained,
              *epochs, *size, *data, name="train"),
        _step("export", trained, "--name", run.release_name, "--output", str(made), *size, *data,
              name="export"),
        _step("models", "register", str(made / run.release_name), name="register"),
        compare,
    ]  # fmt: skip


def _step(*arguments: str, name: str, needed: bool = True) -> Step:
    return Step(name, (sys.executable, "-m", "streetsight", *arguments), needed)
