"""A server that answers each path as a test wants it to, by plain HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: JSON unless a type is given."""

    status: int
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(slots=True)
class Answering:
    """Attributes: answers: by path, may be changed at any time; asked: paths of all requests."""

    url: str
    answers: dict[str, Said]
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def answering(answers: Mapping[str, Said]) -> Iterator[Answering]:
    """A path without an answer is a 404 in JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here.asked.append(self.path)
            here.headers.append(dict(self.headers))
            said = here.answers.get(self.path, Said(404, {"detail": "Not Found"}))
            self.send_response(said.status)
            headers = {"Content-Type": "application/json", **said.headers}
            for name, value in {**headers, "Content-Length": str(len(said.content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.content)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Answering(f"http://127.0.0.1:{server.server_port}", dict(answers))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
