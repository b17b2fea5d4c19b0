"""What is sent and shown of webhooks."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from streetsight.models.language import SpokenError
from streetsight.service.dependencies import Text
from streetsight.service.events.kinds import Kind
from streetsight.service.events.schemas import EventShown
from streetsight.service.webhooks.sending import Answer
from streetsight.service.webhooks.tables import Attempt, Delivery, Webhook

MAX_HEADERS = 20
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = {
    "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
    "upgrade", "expect", "te", "trailer", "accept-encoding", "user-agent",
}  # fmt: skip


def _allowed(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise SpokenError("{value} is no header that may be added", value=repr(name[:100]))
        if not value.isascii() or not value.isprintable() or len(value) > 1000:
            raise SpokenError(
                "the value of {name} must be printable ASCII of at most 1000 characters", name=name
            )
    return headers


Headers = Annotated[dict[str, str], Field(max_length=MAX_HEADERS), AfterValidator(_allowed)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Url = Annotated[Text, Field(min_length=1, max_length=2000)]
AreaPathSent = Annotated[str, Field(pattern=r"^/([^/\x00-\x1f]+/)+$", max_length=200)]


class WebhookSent(BaseModel):
    """A destination.

    Attributes:
        url: https, or http to a network that the settings name.
        kinds: of events; all when empty.
        area_path: events of this area and below; None is everywhere.
        headers: sent along, for receivers that want a key of their own. Kept encrypted, never shown again.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    url: Url
    kinds: Annotated[list[Kind], Field(max_length=50)] = []
    area_path: AreaPathSent | None = None
    headers: Headers = {}
    enabled: bool = True


class WebhookChange(BaseModel):
    """What is to be changed; the rest stays. Enabling one that was paused lets it go on."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    url: Url | None = None
    kinds: Annotated[list[Kind], Field(max_length=50)] | None = None
    area_path: AreaPathSent | None = None
    headers: Headers | None = None
    enabled: bool | None = None


class WebhookShown(BaseModel):
    """A destination and how it is. Headers are named; their values stay secret.

    Attributes:
        state: active, disabled by a person, or paused because it failed for too long.
        pending, dead: deliveries that wait, and that were given up.
    """

    id: str
    name: str
    url: str
    kinds: list[str]
    area_path: str | None
    headers: list[str]
    state: Literal["active", "disabled", "paused"]
    enabled: bool
    paused_at: datetime | None
    failing_since: datetime | None
    failures: int
    rest_until: datetime | None
    old_secret_until: datetime | None
    pending: int
    dead: int
    created_at: datetime
    version: int

    @classmethod
    def of(cls, webhook: Webhook, headers: list[str], pending: int, dead: int) -> "WebhookShown":
        state = "paused" if webhook.paused_at else "active" if webhook.enabled else "disabled"
        shown = {name: getattr(webhook, name) for name in cls.model_fields if hasattr(webhook, name)}
        return cls.model_validate(
            shown | {"headers": headers, "state": state, "pending": pending, "dead": dead}
        )


class WebhookMade(BaseModel):
    """Attributes: secret: what deliveries are signed with; shown this once."""

    webhook: WebhookShown
    secret: str


class WebhookList(BaseModel):
    """All destinations, by name."""

    items: list[WebhookShown]


class AttemptShown(BaseModel):
    """One try. `answer` is the beginning of what the receiver said; `error` why it said nothing."""

    number: int
    at: datetime
    status: int | None
    duration_ms: int
    answer: str | None
    error: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptShown":
        return cls(
            number=attempt.number, at=attempt.created_at, status=attempt.status,
            duration_ms=attempt.duration_ms, answer=attempt.answer, error=attempt.error,
        )  # fmt: skip


class DeliveryShown(BaseModel):
    """One event on its way to one destination.

    Attributes:
        next_attempt_at: not before; None when there will be none.
        attempts: all tries so far, oldest first.
    """

    id: str
    state: Literal["pending", "delivered", "dead"]
    event: EventShown
    queued_at: datetime
    next_attempt_at: datetime | None
    attempts: list[AttemptShown]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryShown":
        return cls(
            id=delivery.id, state=delivery.state,  # type: ignore[arg-type]
            event=EventShown.of(delivery.event), queued_at=delivery.queued_at,
            next_attempt_at=delivery.run_after if delivery.state == "pending" else None,
            attempts=[*map(AttemptShown.of, delivery.log)],
        )  # fmt: skip


class DeliveryPage(BaseModel):
    """Deliveries, newest first; `next_cursor` leads on, None at the end."""

    items: list[DeliveryShown]
    next_cursor: str | None


class Retried(BaseModel):
    """Attributes: count: deliveries that are queued again."""

    count: int


class TryShown(BaseModel):
    """How the receiver took a test event, sent just now and not kept."""

    delivered: bool
    status: int | None
    duration_ms: int
    answer: str | None
    error: str | None

    @classmethod
    def of(cls, answer: Answer) -> "TryShown":
        return cls(
            delivered=answer.delivered, status=answer.status, duration_ms=answer.duration_ms,
            answer=answer.body, error=answer.error,
        )  # fmt: skip
