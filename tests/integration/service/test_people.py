"""People: signing in, sessions, tokens, roles."""

from streetsight.service.auth.actor import Role


def test_x(person):
    a = person(Role.ADMIN, ["/1/"])
    print(a.get("/v1/frames").text)
