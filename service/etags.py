"""Versions of what people edit, as HTTP tells them: `ETag: "3"`, If-Match to change, If-None-Match to read.

Whoever changes something names the version that they have read. Two people at once: the second is told so
(412), and nothing of the first is lost.
"""

import re
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from streetsight.service.faults import NoVersion, Stale

# W/"3" and "3-gzip" are what proxies make of "3"
_TAG = re.compile(r'(?:W/)?"(\d{1,9})((?:\.\d{1,9})?)(?:[-;][a-z]+)?"')


def etag(version: int, attached: int | None = None) -> str:
    """A version as a header.

    Args:
        attached: of what is shown with it and comes without a new version: how much there is. Then the tag
            is another one to a reader, `"3.12"`, and the same one to who changes it.
    """
    return f'"{version}"' if attached is None else f'"{version}.{attached}"'


def version_wanted(if_match: Annotated[str | None, Header()] = None) -> int:
    """Dependency: the version that who asks has read.

    Raises:
        NoVersion: when none is named; `*` names none.
    """
    found = _TAG.fullmatch(if_match.strip()) if if_match else None
    if found is None:
        raise NoVersion('send the version that you have read: the ETag of the GET, as in If-Match: "3"')
    return int(found[1])


IfMatch = Annotated[int, Depends(version_wanted)]


def require_version(current: int, wanted: int) -> None:
    """Raises Stale when the version is another by now."""
    if current != wanted:
        raise Stale(
            "it was changed meanwhile: you have read version {wanted}, now it is version {version}; "
            "read again",
            version=current, wanted=wanted,
        )  # fmt: skip


def is_known(request: Request, tag: str) -> bool:
    """Whether who asks has this already, by If-None-Match."""
    known = {"".join(each) for each in _TAG.findall(request.headers.get("if-none-match", ""))}
    return tag.strip('"') in known


def not_modified(tag: str) -> Response:
    """304: what you have is what there is."""
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
