"""How fast are photos taken in, beside a loop that writes and syncs the same files on the same disk?

A real `streetsight serve` without workers, upload only, SQLite and local files: each 2xx means synced bytes
and a committed row. The client is a process of its own with prepared requests on kept connections; its
processor time is told, because it runs on the same cores. Rounds of both sides alternate. Then uploads are
paced at half the bare loop's rate (or as near as the server comes), for the latencies of a server that has
room.
"""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.running import Served, serving

PHOTO_BYTES = 400_000
PHOTOS, ROUNDS, CONNECTIONS, BATCH = 240, 3, 16, 20


def measure() -> dict[str, Any]:
    rounds: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="ingest-", dir=Path.cwd()) as folder,
        serving(Path(folder), workers=0) as server,
    ):
        for number in range(ROUNDS):
            bare = _bare(Path(folder) / "bare", photos(3 * number))
            one = _client(server, "one", 3 * number + 1)
            many = _client(server, "batch", 3 * number + 2)
            rounds.append({"bare_per_s": bare, "one": one, "batch": many})
        half = max(each["bare_per_s"] for each in rounds) / 2
        paced = _client(server, "one", 3 * ROUNDS, min(half, 0.8 * max(e["one"]["per_s"] for e in rounds)))
    return {
        "bare_per_s": [round(each["bare_per_s"], 1) for each in rounds],
        "one_at_a_time": _against(rounds, "one"),
        "in_batches": _against(rounds, "batch"),
        "paced": paced,
    }


def _against(rounds: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    own = [each[kind] for each in rounds]
    return {
        "per_s": [each["per_s"] for each in own],
        "share_of_bare": [round(each[kind]["per_s"] / each["bare_per_s"], 3) for each in rounds],
        "client_cpu_ms_per_photo": [each["client_cpu_ms_per_photo"] for each in own],
        "server_cpu_ms_per_photo": [each["server_cpu_ms_per_photo"] for each in own],
    }


def photos(seed: int, count: int = PHOTOS) -> Iterator[bytes]:
    """JPEGs of 400 kB, each with other bytes: a real header and picture, then noise in a comment."""
    import simplejpeg

    random = np.random.default_rng(seed)
    picture = simplejpeg.encode_jpeg(random.integers(0, 255, (360, 640, 3), dtype=np.uint8), 60)
    for _ in range(count):
        noise, left = random.bytes(PHOTO_BYTES - len(picture)), []
        for start in range(0, len(noise), 65_000):
            part = noise[start : start + 65_000]
            left.append(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part)
        yield picture[:2] + b"".join(left) + picture[2:]


def _bare(folder: Path, contents: Iterator[bytes]) -> float:
    folder.mkdir(exist_ok=True)
    every = list(contents)
    began = time.perf_counter()
    for content in every:
        with (folder / hashlib.sha256(content[-64:] + content[:2000]).hexdigest()).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return len(every) / (time.perf_counter() - began)


def _client(server: Served, kind: str, seed: int, per_s: float = 0.0) -> dict[str, Any]:
    """A client in a process of its own."""
    began = server.cpu_s()
    arguments = [str(server.port), server.token, kind, str(seed), str(per_s)]
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    said: dict[str, Any] = json.loads(answer.stdout)
    return {**said, "server_cpu_ms_per_photo": round(1000 * (server.cpu_s() - began) / PHOTOS, 2)}


def upload(port: int, token: str, kind: str, seed: int, per_s: float) -> dict[str, Any]:
    """Send all photos over several connections; says rate, latencies and the processor time it took."""
    requests = _requests(list(photos(seed)), kind)
    waiting, lock, latencies, began = iter(enumerate(requests)), threading.Lock(), [], time.perf_counter()
    cpu = time.process_time()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                number, (path, body) = next(waiting, (0, ("", b"")))
            if not body:
                return
            due = began + number / per_s if per_s else time.perf_counter()
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": FORM})
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status in (200, 201), said
            assert answer.status == 201 or all(each["status"] == 201 for each in json.loads(said)["outcomes"])
            latencies.append(time.perf_counter() - due)  # from when it was due: a late client hides nothing

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS if kind == "one" else 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    return {
        "per_s": round(PHOTOS / seconds, 1), "asked_per_s": round(per_s, 1), "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "client_cpu_ms_per_photo": round(1000 * (time.process_time() - cpu) / PHOTOS, 2),
    }  # fmt: skip


BOUNDARY = "streetsight-ingest"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def _requests(contents: list[bytes], kind: str) -> list[tuple[str, bytes]]:
    if kind == "one":
        return [("/v1/frames", _body([each], "photo")) for each in contents]
    groups = [contents[start : start + BATCH] for start in range(0, len(contents), BATCH)]
    return [("/v1/frames/batch", _body(each, "photos")) for each in groups]


def _body(contents: list[bytes], name: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{number}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + content
        + b"\r\n"
        for number, content in enumerate(contents)
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


if __name__ == "__main__":
    port, token, kind, seed, per_s = sys.argv[1:]
    print(json.dumps(upload(int(port), token, kind, int(seed), float(per_s))))  # noqa: T201
