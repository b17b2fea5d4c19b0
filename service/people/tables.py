"""Tables of people."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from streetsight.service.store.base import Base, Row
from streetsight.service.store.types import Json, now


class Person(Row):
    """Somebody who may sign in. Never deleted: what a person decided keeps its name.

    Attributes:
        login: as `normal_login` writes it.
        areas: paths of areas, or None for everywhere.
        unit: 责任单位.
        state: active or disabled.
        password_hash: None for those who sign in elsewhere (OIDC), or not yet.
        issuer, subject: who vouches for the person, and what they call it (OIDC).
        version: counts edits; its ETag.
    """

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    login: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    areas: Mapped[list[str] | None] = mapped_column(Json)
    unit: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), default="active")
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None]
    issuer: Mapped[str | None] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(300))
    last_signed_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class PersonSession(Row):
    """A browser that somebody signed in with. Kept as a hash.

    Attributes:
        method: how: password, oidc or setup.
        seen_at: latest request, to the minute.
        expires_at: its end, however busy it is.
        ended_at: when it was ended before that.
    """

    __tablename__ = "person_sessions"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    method: Mapped[str] = mapped_column(String(10))
    seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(45))
    browser: Mapped[str | None] = mapped_column(String(200))

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class PersonToken(Row):
    """A secret with which a person's programs act for them. Kept as a hash, never deleted."""

    __tablename__ = "person_tokens"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class SetupLink(Row):
    """A link by which somebody chooses a password, once.

    Attributes:
        person_id: who; None for the first admin, who is not there yet.
    """

    __tablename__ = "setup_links"

    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailures(Base):
    """Sign-ins that failed in a row, of one login or from one address.

    Attributes:
        kind: login or address.
        digest: sha256 of which: people type passwords into the wrong field.
        blocked_until: nobody is let in by it before.
    """

    __tablename__ = "sign_in_failures"

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(index=True)
    blocked_until: Mapped[datetime | None]


class OidcFlow(Row):
    """A sign-in that was sent to the OIDC provider and is to come back, once.

    Attributes:
        state_sha256: of the value that must come back, which the browser holds in a cookie too.
    """

    __tablename__ = "oidc_flows"

    state_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    nonce: Mapped[str] = mapped_column(String(64))
    code_verifier: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime] = mapped_column(index=True)
