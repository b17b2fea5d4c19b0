"""What is asked and shown of reviewing."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.candidates.schemas import CandidateTraced
from streetsight.service.dependencies import Id, Text
from streetsight.service.reviewing.tables import DESK_LENGTH


class DeskAsked(BaseModel):
    """Attributes: desk: what the page calls itself; another page of the same person is another desk."""

    model_config = ConfigDict(extra="forbid")

    desk: Annotated[Text, Field(min_length=1, max_length=DESK_LENGTH)]


class NextAsked(DeskAsked):
    """What a page has, and what it does not want.

    Attributes:
        holding: leads that it has; their leases are extended, or taken again.
        passed: leads that it has passed over: not given to it again, and free for others.
    """

    holding: Annotated[list[Id], Field(max_length=200)] = []
    passed: Annotated[list[Id], Field(max_length=200)] = []


class NextShown(BaseModel):
    """Leads for this desk alone.

    Attributes:
        items: new ones, in the order in which to look at them.
        lost: of `holding`: decided by somebody meanwhile, or given to somebody else after the lease was over.
        waiting: all that wait by these filters, whoever looks at them.
        expires_at: until when they are kept from others, unless the page asks again.
    """

    items: list[CandidateTraced]
    lost: list[str]
    waiting: int
    expires_at: datetime
