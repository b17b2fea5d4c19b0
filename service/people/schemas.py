"""What people send and get about people."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from streetsight.service.auth.actor import Role
from streetsight.service.auth.permissions import GRANTS, Permission
from streetsight.service.auth.scope import PATH
from streetsight.service.dependencies import Text
from streetsight.service.people.service import LOGIN
from streetsight.service.people.tables import Person, PersonSession, PersonToken

Login = Annotated[str, StringConstraints(strip_whitespace=True, pattern=f"^{LOGIN.pattern}$")]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Unit = Annotated[Text, Field(min_length=1, max_length=100)]
AreaPathText = Annotated[str, StringConstraints(pattern=f"^{PATH.pattern}$", max_length=200)]
Areas = Annotated[list[AreaPathText], Field(max_length=200)]
Password = Annotated[SecretStr, Field(max_length=1000)]
PersonRole = Literal["admin", "analyst", "inspector", "handler", "street_chief", "third_party", "viewer"]
State = Literal["active", "disabled"]


class PersonNew(BaseModel):
    """Attributes: areas: paths that they see with all below; null is everywhere. unit: 责任单位."""

    model_config = ConfigDict(extra="forbid")

    login: Login
    name: Name
    role: PersonRole
    areas: Areas | None = None
    unit: Unit | None = None
    password: Password | None = Field(
        default=None, description="Without it they choose one by a link: POST /v1/people/ID/link."
    )


class PersonChange(BaseModel):
    """What is to be other than it is; what is left out stays. Null is a value of areas and unit alone."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: PersonRole | None = None
    areas: Areas | None = None
    unit: Unit | None = None
    state: State | None = None

    def changes(self) -> dict[str, Any]:
        """What was said, by name."""
        sent = self.model_dump(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name in ("areas", "unit")}


class PersonShown(BaseModel):
    """Attributes: external: vouched for by the OIDC provider, which says their role at each sign-in."""

    id: str
    login: str
    name: str
    role: Role
    areas: list[str] | None
    unit: str | None
    state: State
    external: bool
    has_password: bool
    created_at: datetime
    last_signed_in_at: datetime | None
    version: int

    @classmethod
    def of(cls, person: Person) -> "PersonShown":
        return cls(
            id=person.id, login=person.login, name=person.name, role=Role(person.role), areas=person.areas,
            unit=person.unit, state=person.state, external=person.issuer is not None,  # type: ignore[arg-type]
            has_password=person.password_hash is not None, created_at=person.created_at,
            last_signed_in_at=person.last_signed_in_at, version=person.version,
        )  # fmt: skip


class PersonPage(BaseModel):
    items: list[PersonShown]
    next_cursor: str | None


class SelfShown(PersonShown):
    """Oneself. Attributes: permissions: what pages may offer."""

    permissions: list[Permission]

    @classmethod
    def of_self(cls, person: Person) -> "SelfShown":
        shown = PersonShown.of(person)
        return cls(**shown.model_dump(), permissions=sorted(GRANTS[shown.role]))


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    login: Annotated[str, Field(max_length=100)]
    password: Password


class Signed(BaseModel):
    """Attributes: csrf_token: to be sent as X-CSRF-Token with all but GET; expires_at: at the latest."""

    person: SelfShown
    csrf_token: str
    expires_at: datetime


class SessionShown(BaseModel):
    """Attributes: current: the one that asks."""

    id: str
    method: str
    address: str | None
    browser: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, held: PersonSession, current: str) -> "SessionShown":
        return cls(
            id=held.id, method=held.method, address=held.address, browser=held.browser,
            created_at=held.created_at, seen_at=held.seen_at, expires_at=held.expires_at,
            current=held.id == current,
        )  # fmt: skip


class SessionList(BaseModel):
    items: list[SessionShown]


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current: Password
    new: Password


class TokenNew(BaseModel):
    """Attributes: name: what it is for, as `monthly export`."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    days: Annotated[int, Field(ge=1, le=366, description="How long it is good.")] = 90


class TokenShown(BaseModel):
    id: str
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: PersonToken) -> "TokenShown":
        return cls(
            id=token.id, name=token.name, created_at=token.created_at, expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )  # fmt: skip


class TokenMade(TokenShown):
    """Attributes: token: the secret, shown this once."""

    token: str


class TokenList(BaseModel):
    items: list[TokenShown]


class LinkMade(BaseModel):
    """Attributes: url: to be handed over; whoever opens it first chooses the password."""

    url: str
    expires_at: datetime
