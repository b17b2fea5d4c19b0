"""Scripts and styles under the digest of them all: browsers keep them until one changes."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).with_name("static")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
PASSING = {"Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)


@router.get("/static/{digest}/{name:path}", response_class=FileResponse)
def send(digest: str, name: str) -> FileResponse:
    """A file of ours, for everybody. One of an older digest is sent too: its page may still be open."""
    path = _files().get(name)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=TYPES[path.suffix], headers=KEPT if digest == _digest() else PASSING)


def url_of(name: str) -> str:
    """Where a file is found. Raises KeyError for one that is not there."""
    return f"/static/{_digest()}/{_files()[name].relative_to(FOLDER).as_posix()}"


@cache
def _files() -> dict[str, Path]:
    return {
        path.relative_to(FOLDER).as_posix(): path
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
    }


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for name, path in _files().items():
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]
