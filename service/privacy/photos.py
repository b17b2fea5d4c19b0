"""Photos as answers: a device's own original, a person's redacted copy."""

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from streetsight.service.frames.tables import Frame
from streetsight.service.privacy.publishing import Publisher, Size, parse_cut
from streetsight.service.resources import Resources

OWN = "private, max-age=31536000, immutable"
COPY = "private, no-cache"
"""A copy is asked for again each time: the permission to see it may have gone, and so may the photo."""
NEVER_KEPT = "private, no-store"
"""An original that a browser kept would be looked at without being logged."""


def original(server: Resources, frame: Frame, cache_control: str) -> StreamingResponse:
    """The bytes as they came."""
    headers = {
        "Content-Length": str(frame.size_bytes),
        "ETag": f'"{frame.sha256}"',
        "Cache-Control": cache_control,
        "Content-Disposition": f'inline; filename="{frame.sha256[:16]}"',
    }
    return StreamingResponse(server.blobs.stream(frame.sha256), headers=headers, media_type=frame.media_type)


def redacted(publisher: Publisher, frame: Frame, size: Size, box: str | None, request: Request) -> Response:
    """The copy, or 304 for who has it already; `X-Redaction` says what was done about plates and people."""
    cut = parse_cut(box)
    tag = publisher.tag(frame.sha256, size, cut)
    headers = {"ETag": tag, "Cache-Control": COPY}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    copy = publisher.copy(frame.sha256, size, cut)
    headers |= {
        "ETag": copy.etag, "X-Redaction": copy.redaction,
        "Content-Disposition": f'inline; filename="{frame.id}.jpg"',
    }  # fmt: skip
    return Response(copy.content, headers=headers, media_type="image/jpeg")
