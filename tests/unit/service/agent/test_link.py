"""What answers mean, in words: moved, refused, of another program."""

import pytest
from answering import Said, answering

from streetsight.service.agent.faults import LinkError, Unauthorised, WrongServer
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.link import Link
from streetsight.service.agent.pacing import Bucket

NGINX = b"<html><h1>301 Moved Permanently</h1></html>"


def ask(said: Said) -> None:
    with answering({"/v1/patrols": said}) as server:
        link = Link(Identity(server.url, "t"), Bucket(lambda: None), lambda: 30)
        try:
            link.ask("POST", "/v1/patrols").text("id")
        finally:
            link.close()


@pytest.mark.parametrize("page", [b"", NGINX])
@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://127.0.0.1/v1/patrols", "only that it is at https://127.0.0.1 .301.; enrol again"),
        ("http://portal.example/login", "301 to http://portal.example/login.: a network that wants"),
        ("/login", "301 to /login.: a network that wants"),
    ],
)
def test_a_redirect_tells_where_to_with_a_page_or_without(page: bytes, location: str, said: str) -> None:
    moved = Said(301, page, {"Location": location, "Content-Type": "text/html"})
    with pytest.raises(WrongServer, match=said):
        ask(moved)


def test_a_token_that_is_not_taken_tells_all_that_is_to_be_done() -> None:
    with pytest.raises(Unauthorised, match="agent enrol` again, and restart the agent"):
        ask(Said(401, {"detail": "revoked"}))


def test_an_answer_without_what_has_to_be_there_is_told_with_its_status() -> None:
    with pytest.raises(WrongServer, match=r"answer \(200\) has no id: another program"):
        ask(Said(200, {"hello": "world"}))


def test_who_asks_to_come_later_is_not_said_to_be_tried_by_somebody() -> None:
    with pytest.raises(LinkError, match=r"503: busy\); it may later") as caught:
        ask(Said(503, {"detail": "busy"}, {"Retry-After": "7"}))
    assert caught.value.wait_s == 7
