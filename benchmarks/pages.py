"""How soon can a page be used with 10,000 candidates, and how soon is the next lead there after a key?

    python -m benchmarks.pages [--candidates N]

A real server on loopback and a real headless Chromium on the same machine. For each page: from the navigation
until it shows what it is for, in a fresh browser, median of several. For review: from the key press until the
next lead is painted, as the page itself measures it (`performance.measure("review:next")`). The targets are
one second and 150 ms; `as_targets` is the figure divided by its target.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2
from benchmarks.queries import fill
from benchmarks.running import serving
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import update

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.people.sessions import Visit, begin_session
from streetsight.service.store.database import Database

PAGES: dict[str, tuple[str, str]] = {
    "account": ("/account", "h1"),  # next to nothing, for comparison
    "map": ("/map", ".cluster, .mark"),
    "leads": ("/candidates", ".lead-cards li"),
    "review": ("/review", "#desk .close img[data-loaded]"),
}
FIRST_S, NEXT_MS = 1.0, 150.0
ROUNDS, STEPS = 7, 25
PHOTOS = 8
MEASURED = "performance.getEntriesByName('review:next').map((each) => each.duration)"
BOX = [380.0, 300.0, 560.0, 430.0]


def measure(candidates: int = 10_000) -> dict[str, Any]:
    """Seconds and milliseconds, and how they stand to the targets."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return {"skipped": "Chromium is absent: install the package chromium"}
    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        database = f"sqlite:///{folder}/data/streetsight.sqlite"
        with serving(Path(folder), workers=1) as server, sync_playwright() as playwright:
            token = _prepared(database, server.port, server.token, Path(folder), candidates)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            opened = _opener(browser, server.port, token)
            first = {name: _first(opened, *page) for name, page in PAGES.items()}
            steps = _steps(opened)
            browser.close()
    return {
        "candidates": candidates,
        "first_page_s": first,
        "next_lead_ms": {"p50": round(median(steps), 1), "p95": round(quantiles(steps, n=20)[-1], 1)},
        "as_targets": {
            "slowest_first_page": round(max(first.values()) / FIRST_S, 2),
            "next_lead_p95": round(quantiles(steps, n=20)[-1] / NEXT_MS, 2),
        },
    }


def _prepared(url: str, port: int, device: str, folder: Path, candidates: int) -> str:
    """Fills the database; all candidates are shown by one of a few real photos. Gives a session's token."""
    deque(simulate_patrol(folder / "drive", 3, PHOTOS, Camera((960, 540)), step_m=8), maxlen=0)
    headers = {"Authorization": f"Bearer {device}"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        photos = [
            client.post("/v1/frames", files={"photo": (path.name, path.read_bytes())}).json()["id"]
            for path in sorted((folder / "drive" / "frames").glob("*.jpg"))
        ]
        while client.get("/v1/frames", params={"state": "queued"}).json()["items"]:
            time.sleep(0.2)
    database = Database(url)
    fill(database, 0, candidates)
    with database.write() as session:
        for number, digit in enumerate("0123456789abcdef"):  # the last one of the id
            shown = update(Candidate).where(Candidate.id.like(f"%{digit}"))
            photo = photos[number % len(photos)]
            session.execute(shown.values(best_frame_id=photo, best_box=BOX, evidence={}, findings=[]))
        person = add_person(session, SYSTEM, NewPerson("bench", "bench", Role.ADMIN))
        token = begin_session(session, person, Visit("password", timedelta(hours=1))).token
    database.close()
    return token


def _opener(browser: Browser, port: int, token: str) -> Callable[[], Page]:
    def opened() -> Page:
        """A fresh browser, signed in; it keeps nothing from before."""
        url = f"http://127.0.0.1:{port}"
        context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        return context.new_page()

    return opened


def _first(opened: Callable[[], Page], path: str, shows: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        page = opened()
        began = time.perf_counter()
        page.goto(path, wait_until="commit")
        page.wait_for_selector(shows, timeout=60_000)
        taken.append(time.perf_counter() - began)
        page.context.close()
    return round(median(taken[1:]), 3)  # the first one waits for copies of photos to be made


def _steps(opened: Callable[[], Page]) -> Sequence[float]:
    page = opened()
    page.goto("/review")
    page.wait_for_selector("#desk .close img[data-loaded]")
    for number in range(STEPS):
        page.keyboard.press("a")
        while len(taken := page.evaluate(MEASURED)) <= number:
            page.wait_for_timeout(20)
        page.wait_for_timeout(1000)  # faster than 60 a minute nobody decides
    page.context.close()
    return [float(each) for each in taken]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=10_000)
    print(json.dumps(measure(parser.parse_args().candidates), indent=1))  # noqa: T201
