"""A real server with the real release and a worker, and a real Chromium for people of each role."""

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from loopback import wait_until_up
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.auth.csrf import HEADER, csrf_token
from streetsight.service.auth.passwords import hash_password
from streetsight.service.devices.service import SCOPES, add_device
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.people.sessions import Visit, begin_session
from streetsight.service.settings import Settings
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database
from streetsight.service.store.sessions import WriteSession

# The shell is the same engine without a window and toolbars for each page.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "out" / "screenshots"
DESKTOP, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
PATIENCE_MS = 60_000  # a machine may be busy; what is waited for comes or it does not
expect.set_options(timeout=PATIENCE_MS)
UNPRIVILEGED = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is absent: install the package chromium")
    arguments = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    if UNPRIVILEGED:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@dataclass(slots=True)
class Site:
    """A server of its own.

    Attributes:
        token: of a device that may do all.
        process: to be killed by tests.
        environment: what it reads beside its settings.
    """

    settings: Settings
    token: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def begin(self) -> None:
        """Make the database, with a device in it, and start."""
        with open_database(self.settings) as database:
            migrate(database)
            with database.write() as session:
                self.token = add_device(session, "camera", SCOPES)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        changed = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        own = {f"STREETSIGHT_{name.upper()}": str(value) for name, value in changed.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
        command = [sys.executable, "-m", "streetsight", "serve"]
        with (self.settings.data_folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=kept | own | self.environment, stdout=log, stderr=log
            )
        wait_until_up(f"{self.url}/readyz", self.process)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """The server's database, for rows that a test needs."""
        with open_database(self.settings) as database, database.write() as session:
            yield session

    def person(
        self, role: Role, areas: Sequence[str] | None = None, unit: str | None = None
    ) -> tuple[str, str]:
        """Adds somebody. Returns their login (their password is PASSWORD) and the token of a session."""
        login = f"{role}-{os.urandom(4).hex()}"
        new = NewPerson(login, login, role, None if areas is None else tuple(areas), unit)
        with self.write() as session:
            added = add_person(session, SYSTEM, new, hash_password(PASSWORD))
            return login, begin_session(session, added, Visit("password", timedelta(hours=1))).token

    @contextmanager
    def api(self, role: Role) -> Iterator[httpx2.Client]:
        """The API as somebody of a role, as the pages call it."""
        _, token = self.person(role)
        headers = {"Cookie": f"{COOKIE}={token}", HEADER: csrf_token(token)}
        with httpx2.Client(base_url=self.url, headers=headers) as client:
            yield client

    def upload(self, photos: Sequence[Path], **metadata: Any) -> list[str]:
        """Uploads photos as a device; returns their frames' ids."""
        with httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}) as client:
            return [
                client.post("/v1/frames", files={"photo": (path.name, path.read_bytes())}, **metadata)
                .raise_for_status().json()["id"]
                for path in photos
            ]  # fmt: skip


PASSWORD = "a long walk home"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, unused_port: Callable[[], int]) -> Iterator[Site]:
    """One server for all browser tests: each adds the people and rows that it needs."""
    folder = tmp_path_factory.mktemp("site")
    settings = Settings(
        data_folder=folder / "data", port=unused_port(), min_free_bytes=0, workers=1,  # type: ignore[arg-type]
        assemble_after_seconds=1,
    )  # fmt: skip
    running = Site(settings)
    running.begin()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def new_site() -> Callable[..., Site]:
    """A server of a test's own: `new_site(settings, environment={...})`, then `start` and `stop`."""
    return Site


@pytest.fixture(scope="session")
def unused_port() -> Callable[[], int]:
    import socket

    def unused_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return unused_port


@pytest.fixture(scope="session")
def street_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Rendered photos of a simulated patrol, with time and position in their EXIF."""
    folder = tmp_path_factory.mktemp("patrol")
    deque(simulate_patrol(folder, 3, 8, Camera((960, 540)), step_m=8), maxlen=0)
    return sorted((folder / "frames").glob("*.jpg"))


Visitor = Callable[..., Page]


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    """Opens a page as somebody of a role (None: nobody), in a browser of their own.

    What the page's scripts complain of, and what the content security policy had to stop, fails the test
    at its end, unless the test empties `page.complaints`.
    """
    opened: list[Page] = []
    complaints: list[str] = []

    def visitor(
        role: Role | None = Role.ADMIN, path: str = "/", *, language: str = "zh-CN", phone: bool = False,
        dark: bool = False, areas: Sequence[str] | None = None, unit: str | None = None,
        **options: Any,
    ) -> Page:  # fmt: skip
        context = browser.new_context(
            base_url=site.url, locale=language, viewport=PHONE if phone else DESKTOP, has_touch=phone,
            color_scheme="dark" if dark else "light", **options,
        )  # fmt: skip
        if role is not None:
            _, token = site.person(role, areas, unit)
            context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _complains(said) else None)
        opened.append(page)
        page.goto(path)
        return page

    yield visitor
    for page in opened:
        page.context.close()
    assert complaints == []


def _complains(said: Any) -> bool:
    # A refused request is Chromium's line about an answer that tests provoke; the page has to deal with it.
    # Annotorious draws its selection once before the picture has a size, on a busy machine.
    known = ("Failed to load resource", '"-Infinity"')
    return said.type in ("error", "warning") and not any(each in said.text for each in known)


@pytest.fixture(scope="session")
def shoot() -> Callable[[Page, str], None]:
    """Writes a picture of the whole page into out/screenshots, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def shoot(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return shoot


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """Asks axe-core about a page; serious findings fail, and so does a page wider than its screen."""
    source = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")

    def accessible(page: Page) -> None:
        page.evaluate(source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], page.url
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{page.url} scrolls sideways: {width}"

    return accessible


@pytest.fixture(scope="session")
def walk(
    accessible: Callable[[Page], None], shoot: Callable[[Page, str], None]
) -> Callable[[Page, dict[str, str], str], None]:
    """Goes to pages by name and path; each must be `accessible`, and is `shoot`n as name and suffix."""

    def walk(page: Page, paths: dict[str, str], suffix: str) -> None:
        for name, path in paths.items():
            page.goto(path)
            page.wait_for_load_state("networkidle")
            accessible(page)
            shoot(page, f"{name}-{suffix}")

    return walk
