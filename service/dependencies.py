"""What routes ask for, as types: `def route(server: Server, device: Uploader, limit: Limit = 50)`.

Sessions are no dependency: FastAPI would open one on one thread and need another thread to go on, and with
all threads waiting for a session nobody could give one back. Routes open theirs, as in
`with server.database.read() as session`.
"""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import StringConstraints

from streetsight.service.resources import Resources, resources_of

Server = Annotated[Resources, Depends(resources_of)]

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""An id as we give them out."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)]
"""A line for people: nothing that a database or a terminal could take amiss."""

Limit = Annotated[int, Query(ge=1, le=200, description="Most items on a page.")]
Cursor = Annotated[Id | None, Query(description="`next_cursor` of the page before.")]
