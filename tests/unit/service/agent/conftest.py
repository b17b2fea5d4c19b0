"""Parts of an agent without a server."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from waiting import wait_for

from streetsight.service.agent.intake import Intake
from streetsight.service.agent.looking import Looking
from streetsight.service.agent.settings import AgentSettings, SpoolSettings
from streetsight.service.agent.spool import Spool
from streetsight.service.agent.troubles import Troubles


@pytest.fixture
def agent_settings() -> AgentSettings:
    return AgentSettings(settled_s=0, every_s=0.3)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", lambda: SpoolSettings(min_free_bytes=0))  # type: ignore[arg-type]
    yield spool
    spool.close()


@pytest.fixture
def intake(spool: Spool, agent_settings: AgentSettings) -> Intake:
    return Intake(spool, lambda: agent_settings, Looking(lambda: agent_settings.look))


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def running() -> Iterator[Callable[..., None]]:
    """Runs parts in threads until the test is over."""
    stop, threads = threading.Event(), list[threading.Thread]()

    def run(part: Callable[..., None]) -> None:
        thread = threading.Thread(target=part, args=(stop, lambda: None))
        thread.start()
        threads.append(thread)

    yield run
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def eventually() -> Callable[..., None]:
    return partial(wait_for, patience_s=30)
