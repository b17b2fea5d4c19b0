"""Large photos in pieces, by TUS 1.0.0: what the server has is not sent again, also after a restart."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from streetsight.service.agent.faults import LinkError
from streetsight.service.agent.link import Answer, Link
from streetsight.service.agent.settings import UploadSettings
from streetsight.service.agent.spool import Frame, Spool
from streetsight.service.steps import passed

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"
TAKEN = ("accepted", "duplicate")


class Resumable:
    """Uploads in pieces."""

    def __init__(self, spool: Spool, link: Link, settings: Callable[[], UploadSettings]) -> None:
        self._spool, self._link, self._settings = spool, link, settings

    def send(self, frame: Frame, metadata: Mapping[str, Any]) -> None:
        """All pieces that the server has not; the frame is then `uploaded`, and the server takes it apart.

        Raises:
            LinkError: it broke off; the next call goes on where it did.
        """
        photo = self._spool.photo(frame)
        if photo is None:
            return
        url = frame.upload_url
        offset = self._offset(url) if url else None
        if url is None or offset is None:
            if (url := self._begin(frame, metadata)) is None:
                return
            self._spool.mark(frame.id, "waiting", upload_url=url)
            offset = 0
        while offset < len(photo):
            piece = photo[offset : offset + int(self._settings().piece_bytes)]
            offset = self._append(url, offset, piece)
            passed("pieced")
        self._spool.mark(frame.id, "uploaded", upload_url=url)

    def look_after(self) -> bool:
        """What has become of those that the server has whole; whether anything has. Raises LinkError."""
        done = False
        for frame in self._spool.uploaded():
            answer = self._link.ask("GET", str(frame.upload_url))
            files = answer.body.get("files") or [{}]
            outcome, state = files[0], answer.body.get("state")
            if answer.status in (404, 410) or state == "gone":
                self._spool.mark(frame.id, "waiting")  # thrown away before it was looked at: once more
            elif outcome.get("outcome") in TAKEN:
                self._spool.mark(frame.id, "sent", frame_id=outcome.get("frame_id"))
            elif state in ("done", "failed"):
                reason = outcome.get("reason") or outcome.get("outcome") or answer.body.get("reason") or state
                self._spool.mark(frame.id, "refused", reason=str(reason))
            else:
                continue
            done = True
        return done

    def _offset(self, url: str) -> int | None:
        """How many bytes the server has; None when it has forgotten the upload."""
        answer = self._link.ask("HEAD", url, headers=TUS)
        if answer.status in (404, 410):
            return None
        return _number(answer, "Upload-Offset")

    def _begin(self, frame: Frame, metadata: Mapping[str, Any]) -> str | None:
        """Address of a new upload; None when the server will never take the photo."""
        said = {"filename": frame.name, "metadata": json.dumps(metadata)}
        pairs = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in said.items()]
        answer = self._link.ask(
            "POST", "/v1/uploads",
            headers={**TUS, "Upload-Length": str(frame.size_bytes), "Upload-Metadata": ",".join(pairs)},
        )  # fmt: skip
        if answer.status in (413, 422):
            self._spool.mark(frame.id, "refused", reason=answer.reason)
            return None
        if answer.code == "no_patrol":
            self._spool.outings.know(frame.patrol_id, None)
        location = answer.headers.get("Location", "")
        if answer.status != 201 or not location.startswith("/"):
            raise LinkError(
                "the server does not begin the upload ({status}: {reason}); it is tried again",
                status=answer.status, reason=answer.reason,
            )  # fmt: skip
        return location

    def _append(self, url: str, offset: int, piece: bytes) -> int:
        digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
        headers = {
            **TUS, "Content-Type": PIECE, "Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {digest}",
        }  # fmt: skip
        answer = self._link.ask("PATCH", url, piece, headers)
        if answer.status == 204:
            return _number(answer, "Upload-Offset")
        raise LinkError(  # 409, 423, 460: the next try asks how far it is
            "a piece did not arrive whole ({status}: {reason}); it is sent again",
            status=answer.status, reason=answer.reason,
        )  # fmt: skip


def _number(answer: Answer, name: str) -> int:
    with contextlib.suppress(ValueError):
        return int(answer.headers.get(name, ""))
    raise LinkError("the server's answer has no {name}; it is tried again", name=name)
