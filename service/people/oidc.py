"""Signing in with an OpenID provider: authorization code with PKCE, state and nonce.

OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE); RFC 9700 (best current practice). The provider says who
somebody is and which role they have, at each sign-in; it is asked for its addresses and keys each time, so
that keys that it changed are known at once.
"""

import hmac
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Any

import httpx2 as httpx
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.auth.scope import PATH
from streetsight.service.auth.tokens import token_hash
from streetsight.service.faults import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from streetsight.service.people.service import NewPerson, add_person, change_person, checked_login
from streetsight.service.people.sessions import Begun, Visit
from streetsight.service.people.signing_in import admit
from streetsight.service.people.tables import OidcFlow, Person
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings, is_safe_url
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

LASTS = timedelta(minutes=10)
TIMEOUT_SECONDS = 10.0
LEEWAY_SECONDS = 60
# Signatures by keys that the provider publishes; never a shared secret, never none.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class NoProvider(NotFound):
    """There is no OpenID provider."""

    code = "no_oidc"


class ProviderGone(Unavailable):
    """The provider does not answer, or not as one does."""

    code = "oidc_gone"


class NotVouched(Unauthenticated):
    """What came back from the provider proves nothing."""

    code = "oidc_refused"


class NotLetIn(Forbidden):
    """The provider knows somebody whom our settings do not let in."""

    code = "oidc_not_let_in"


class LoginTaken(Conflict):
    """A person with a password has the login of somebody from the provider."""

    code = "person_exists"


@dataclass(frozen=True, slots=True)
class Sent:
    """Where to send the browser. Attributes: state: what it must bring back, in the URL and in a cookie."""

    url: str
    state: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back."""

    state: str
    held_state: str
    code: str


def begin(server: Resources, redirect_uri: str) -> Sent:
    """Begin a sign-in. Raises NoProvider, ProviderGone."""
    metadata = _metadata(server.settings)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _client(server.settings, redirect_uri) as client:
        url, _ = client.create_authorization_url(
            metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    flow = OidcFlow(
        state_sha256=token_hash(state), nonce=nonce, code_verifier=verifier, expires_at=now() + LASTS
    )
    server.writer.run(partial(_remember, flow=flow))
    return Sent(url, state)


def finish(server: Resources, returned: Returned, redirect_uri: str, visit: Visit, held: str | None) -> Begun:
    """End a sign-in: check what came back, make or find the person, begin a session.

    Raises:
        NotVouched, NotLetIn, LoginTaken, NoProvider, ProviderGone: when nobody is let in.
    """
    if not hmac.compare_digest(returned.state.encode(), returned.held_state.encode()):
        raise NotVouched("this sign-in was begun by another browser, or long ago; sign in again")
    flow = server.writer.run(partial(_take, state=returned.state))
    claims = _claims(server.settings, flow, returned.code, redirect_uri)
    vouched = _vouched(server.settings, claims)
    return server.writer.run(partial(_admit, vouched=vouched, visit=visit, held=held))


def _remember(session: WriteSession, flow: OidcFlow) -> None:
    session.execute(delete(OidcFlow).where(OidcFlow.expires_at <= now()))
    session.add(flow)
    session.flush()


def _take(session: WriteSession, state: str) -> OidcFlow:
    """The flow of this state, once."""
    taken = delete(OidcFlow).where(OidcFlow.state_sha256 == token_hash(state)).returning(OidcFlow)
    flow = session.scalar(taken)
    if flow is None or flow.expires_at <= now():
        raise NotVouched("this sign-in was begun by another browser, or long ago; sign in again")
    return flow


def _metadata(settings: Settings) -> dict[str, Any]:
    """Addresses of the provider (OpenID Connect Discovery 1.0, section 4)."""
    if settings.oidc_issuer is None:
        raise NoProvider("this server has no OpenID provider; sign in with login and password")
    issuer = settings.oidc_issuer.rstrip("/")
    found = _fetch(f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise ProviderGone("the OpenID provider calls itself {issuer}", issuer=str(found.get("issuer"))[:300])
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe_url(str(found.get(name, ""))):
            raise ProviderGone("the OpenID provider gives no https address as {name}", name=name)
    return found


def _claims(settings: Settings, flow: OidcFlow, code: str, redirect_uri: str) -> dict[str, Any]:
    """What the provider says of somebody, once its signature and its purpose are checked."""
    metadata = _metadata(settings)
    published = _fetch(metadata["jwks_uri"])
    try:
        with _client(settings, redirect_uri) as client:
            sent = client.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code,
                code_verifier=flow.code_verifier,
            )  # fmt: skip
        keys = KeySet.import_key_set(published)  # type: ignore[arg-type]
        token = jwt.decode(str(sent.get("id_token", "")), keys, algorithms=ALGORITHMS)
        claims = CodeIDToken(
            token.claims, token.header, _expected(metadata["issuer"], settings.oidc_client_id),
            {
                "nonce": flow.nonce, "client_id": settings.oidc_client_id,
                "access_token": sent.get("access_token"),
            },
        )  # fmt: skip
        claims.validate(leeway=LEEWAY_SECONDS)
    except httpx.HTTPError as error:
        raise _gone(error) from error
    except (AuthlibBaseError, JoseError, ValueError) as error:
        raise NotVouched(
            "what the OpenID provider sent proves nothing: {reason}", reason=str(error)[:200]
        ) from error
    return dict(claims)


def _expected(issuer: str, client_id: str | None) -> dict[str, Any]:
    return {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}


@dataclass(frozen=True, slots=True)
class _Vouched:
    """Somebody, by the word of the provider."""

    issuer: str
    subject: str
    login: str
    name: str
    role: Role
    areas: tuple[str, ...] | None


def _vouched(settings: Settings, claims: Mapping[str, Any]) -> _Vouched:
    email = str(claims.get("email", ""))
    domains = {each.strip().casefold() for each in settings.oidc_allowed_domains.split(",")} - {""}
    if domains and not (
        claims.get("email_verified") is True and email.rpartition("@")[2].casefold() in domains
    ):
        raise NotLetIn("only verified addresses of {domains} are let in", domains=", ".join(sorted(domains)))
    login = checked_login(str(claims.get("preferred_username") or email or claims["sub"]))
    return _Vouched(
        str(claims["iss"]), str(claims["sub"]), login, str(claims.get("name") or login)[:100],
        _role(settings, claims), _areas(settings, claims),
    )  # fmt: skip


def _role(settings: Settings, claims: Mapping[str, Any]) -> Role:
    given = _claim(claims, settings.oidc_role_claim)
    names = {given} if isinstance(given, str) else {*map(str, given)} if isinstance(given, list) else set()
    found = next((ours for theirs, ours in settings.oidc_role_map.items() if theirs in names), None)
    if found is None:
        raise NotLetIn(
            "your account at the OpenID provider has no role here; an admin can add one to "
            "STREETSIGHT_OIDC_ROLE_MAP"
        )
    return Role(found)


def _areas(settings: Settings, claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Where they may look. Once a claim is to say it, a claim that says nothing gives nothing."""
    if settings.oidc_areas_claim is None:
        return None
    given = _claim(claims, settings.oidc_areas_claim)
    paths = given if isinstance(given, list) else []
    return tuple(path for path in paths if isinstance(path, str) and PATH.fullmatch(path))


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim, with dots into objects: `realm_access.roles`. Names with dots of their own come first."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _admit(session: WriteSession, vouched: _Vouched, visit: Visit, held: str | None) -> Begun:
    """Begin a session; the provider's word on role and areas is followed."""
    known = select(Person).where(Person.issuer == vouched.issuer, Person.subject == vouched.subject)
    person = session.scalar(known)
    if person is None:
        person = _add(session, vouched)
    elif person.state != "active":
        raise NotLetIn("this account is disabled; ask an admin")
    else:
        areas = None if vouched.areas is None else list(vouched.areas)
        change_person(session, SYSTEM, person.id, {"role": vouched.role.value, "areas": areas})
    return admit(session, person, visit, held)


def _add(session: WriteSession, vouched: _Vouched) -> Person:
    if session.scalar(select(Person.id).where(Person.login == vouched.login)) is not None:
        # Never taken over: whoever can choose a name at the provider would be that person here.
        raise LoginTaken(
            "there is a person {login} here who signs in otherwise; ask an admin", login=vouched.login
        )
    new = NewPerson(
        vouched.login,
        vouched.name,
        vouched.role,
        vouched.areas,
        issuer=vouched.issuer,
        subject=vouched.subject,
    )
    return add_person(session, SYSTEM, new)


def _client(settings: Settings, redirect_uri: str) -> OAuth2Client:
    secret = settings.oidc_client_secret
    return OAuth2Client(
        settings.oidc_client_id, secret.get_secret_value() if secret else None,
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        scope=settings.oidc_scopes, redirect_uri=redirect_uri, code_challenge_method="S256",
        timeout=TIMEOUT_SECONDS, verify=_trusted(),
    )  # fmt: skip


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe on the way there; reading it takes longer than asking."""
    return httpx.create_ssl_context()


def _fetch(url: str) -> dict[str, Any]:
    """A JSON object from the provider. Raises ProviderGone."""
    try:
        answer = httpx.get(url, timeout=TIMEOUT_SECONDS, verify=_trusted()).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise _gone(error) from error
    if not isinstance(answer, dict):
        raise _gone(TypeError(f"{url}: no JSON object"))
    return answer


def _gone(error: Exception) -> ProviderGone:
    return ProviderGone(
        "the OpenID provider does not answer as one does: {reason}", retry_after_seconds=5.0,
        reason=str(error)[:200],
    )  # fmt: skip
