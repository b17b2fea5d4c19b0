"""HTTP: one's own account: password, sessions, tokens."""

from functools import partial

from fastapi import APIRouter, Request, Response

from streetsight.service.auth.access import AnyPerson, SignedIn, idle_time
from streetsight.service.dependencies import Id, Server
from streetsight.service.people import sessions, tokens
from streetsight.service.people.cookies import visit_of
from streetsight.service.people.schemas import (
    PasswordChange,
    SelfShown,
    SessionList,
    SessionShown,
    Signed,
    TokenList,
    TokenMade,
    TokenNew,
    TokenShown,
)
from streetsight.service.people.service import find_person
from streetsight.service.people.session_routes import answer_with_session
from streetsight.service.people.signing_in import change_password
from streetsight.service.people.tables import PersonToken
from streetsight.service.store.sessions import WriteSession

router = APIRouter(prefix="/v1/people/self", tags=["people"])


@router.get("")
def read_self(server: Server, actor: AnyPerson) -> SelfShown:
    """Who is asking, and what they may do."""
    with server.database.read() as session:
        return SelfShown.of_self(find_person(session, actor.id))


@router.put("/password")
def put_password(
    server: Server, who: SignedIn, sent: PasswordChange, request: Request, response: Response
) -> Signed:
    """Change one's password. All sessions end; the answer brings a new one for this browser."""
    visit = visit_of(request, server.settings, "password")
    begun = change_password(server, who, sent.current.get_secret_value(), sent.new.get_secret_value(), visit)
    return answer_with_session(request, response, server.settings, begun)


@router.get("/sessions")
def list_sessions(server: Server, who: SignedIn) -> SessionList:
    """Browsers that are signed in, newest first."""
    with server.database.read() as session:
        found = sessions.list_sessions(session, who.actor.id, idle_time(server.settings))
        return SessionList(items=[SessionShown.of(each, who.key) for each in found])


@router.delete("/sessions", status_code=204)
def end_other_sessions(server: Server, who: SignedIn) -> None:
    """End all sessions but this one."""
    server.writer.run(partial(sessions.end_sessions, person_id=who.actor.id, except_id=who.key))


@router.delete("/sessions/{session_id}", status_code=204)
def end_session(server: Server, who: SignedIn, session_id: Id) -> None:
    """End one session of one's own."""
    server.writer.run(partial(sessions.end_one, person_id=who.actor.id, session_id=session_id))


@router.get("/tokens")
def list_tokens(server: Server, actor: AnyPerson) -> TokenList:
    """One's tokens that are good, newest first; without their secrets, which nobody knows."""
    with server.database.read() as session:
        return TokenList(items=[*map(TokenShown.of, tokens.list_tokens(session, actor.id))])


@router.post("/tokens", status_code=201)
def add_token(server: Server, who: SignedIn, sent: TokenNew) -> TokenMade:
    """Make a token for a program of one's own. The secret is shown this once."""

    def add(session: WriteSession) -> tuple[PersonToken, str]:
        person = find_person(session, who.actor.id)
        return tokens.add_token(session, who.actor, person, sent.name, sent.days)

    token, secret = server.writer.run(add)
    return TokenMade(**TokenShown.of(token).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(server: Server, actor: AnyPerson, token_id: Id) -> None:
    """Take a token back, at once. A token may revoke itself."""
    server.writer.run(partial(tokens.revoke_token, actor=actor, person_id=actor.id, token_id=token_id))
