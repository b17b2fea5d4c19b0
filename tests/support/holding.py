"""Requests of a page that a test holds back, to see what is done meanwhile."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, Route

LOOK_MS, PATIENCE_MS = 20, 60_000


@dataclass(slots=True)
class Held:
    """Attributes: routes: requests that wait, the oldest first."""

    page: Page
    address: str
    routes: list[Route] = field(default_factory=list)

    def first(self) -> Route:
        """The oldest one, as soon as there is one. Raises IndexError when none comes."""
        for _ in range(PATIENCE_MS // LOOK_MS):
            if self.routes:
                break
            self.page.wait_for_timeout(LOOK_MS)  # while it waits, Playwright hears of requests
        return self.routes[0]

    def end(self) -> None:
        """Let those that wait pass, and those that come from now on."""
        self.page.unroute(self.address)


def held(page: Page, address: str) -> Held:
    """Requests to an address, a glob, from now on."""
    waiting = Held(page, address)
    page.route(address, lambda route: waiting.routes.append(route))
    return waiting
