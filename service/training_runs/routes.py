"""HTTP: training runs."""

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from streetsight.service.auth.access import Analyst
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.errors import language_of
from streetsight.service.training_runs import running, service
from streetsight.service.training_runs.schemas import RunAsked, RunPage, RunShown

router = APIRouter(prefix="/v1/training-runs", tags=["training runs"])


@router.post("", status_code=202)
def start(server: Server, actor: Analyst, asked: RunAsked, request: Request, response: Response) -> RunShown:
    """Start a run in the background. It ends in a challenger; only a person puts that in force."""
    begin = service.start_training if asked.kind == "train" else service.start_comparison
    run = server.writer.run(lambda session: begin(session, actor, asked.row()))
    response.headers["Location"] = f"/v1/training-runs/{run.id}"
    return RunShown.of(run, language_of(request))


@router.get("")
def list_runs(
    server: Server, _actor: Analyst, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> RunPage:
    """Runs, newest first."""
    language = language_of(request)
    with server.database.read() as session:
        found = service.list_runs(session, limit, cursor)
        shown = [RunShown.of(each, language) for each in found.items]
    return RunPage(items=shown, next_cursor=found.next_cursor)


@router.get("/{run_id}")
def read_run(server: Server, _actor: Analyst, run_id: Id, request: Request) -> RunShown:
    """One run."""
    with server.database.read() as session:
        return RunShown.of(service.find(session, run_id), language_of(request))


@router.get("/{run_id}/log", response_class=PlainTextResponse)
def read_log(server: Server, _actor: Analyst, run_id: Id) -> str:
    """The end of its log, where the machine of this server runs it."""
    with server.database.read() as session:
        run = service.find(session, run_id)
    return running.tail(service.run_folder(server.settings, run.id))


@router.post("/{run_id}/cancel", status_code=202)
def cancel(server: Server, actor: Analyst, run_id: Id, request: Request) -> RunShown:
    """End a run: its process is asked to, and killed when it does not."""
    run = server.writer.run(partial(service.cancel, actor=actor, run_id=run_id))
    return RunShown.of(run, language_of(request))
