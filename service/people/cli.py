"""`streetsight person`: who may sign in."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streetsight.models.cli import Lang
from streetsight.service.auth.actor import operator
from streetsight.service.store.commands import database_of_settings

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.auth.actor import Role
    from streetsight.service.people.tables import Person

app = typer.Typer(no_args_is_help=True, help="People who may sign in: add, change, list, disable.")

ROLES = "admin, analyst, inspector, handler, street_chief, third_party or viewer."
Login = Annotated[str, typer.Argument(help="What the person signs in with.")]
RoleName = Annotated[str, typer.Option("--role", help=f"What the person is here for: {ROLES}")]
NewRole = Annotated[str | None, typer.Option("--role", help=f"Another role: {ROLES}")]
AreaPaths = Annotated[
    list[str] | None,
    typer.Option(
        "--area", help="Path of an area, as /330106/330106003/; again for more. Without: everywhere."
    ),
]
Unit = Annotated[str | None, typer.Option("--unit", help="The unit that the person works for.")]


@app.command()
def add(
    login: Login,
    role: RoleName,
    name: Annotated[
        str | None, typer.Option("--name", help="As people call them; the login if not given.")
    ] = None,
    area: AreaPaths = None,
    unit: Unit = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link by which the person chooses the password.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Add a person. The password is asked for, or read from a pipe; never an argument.

    echo "$PASSWORD" | streetsight person add zhang.san --role inspector --area /330106/330106003/
    """
    from streetsight.service.people.links import add_link
    from streetsight.service.people.service import NewPerson, add_person, checked_hash, checked_login

    with database_of_settings(lang) as (database, language):
        new = NewPerson(checked_login(login), name or login, _role(role), _areas(area), unit)
        hashed = None if link else checked_hash(_ask_password(language), new.login)
        with database.write() as session:
            person = add_person(session, operator(), new, hashed)
            token = add_link(session, operator(), person) if link else None
        if token is None:
            _say("{login} was added as {role}", language, login=person.login, role=person.role)
        else:
            _print_link(token, language)


@app.command()
def change(
    login: Login,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    role: NewRole = None,
    area: AreaPaths = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="No longer bound to areas.")] = False,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Change name, role, areas or unit; what is not given stays."""
    from streetsight.service.people.service import change_person, named_person

    with database_of_settings(lang) as (database, _language):
        given = {
            "name": name, "role": role and _role(role).value, "areas": list(_areas(area) or ()), "unit": unit,
        }  # fmt: skip
        changes: dict[str, Any] = {key: value for key, value in given.items() if value}
        if everywhere:
            changes["areas"] = None
        with database.write() as session:
            person = change_person(session, operator(), named_person(session, login).id, changes)
        _show(person)


@app.command()
def disable(login: Login, lang: Lang = None) -> None:
    """Let a person in no more. All sessions and tokens end at once; what they did stays."""
    _set_state(login, "disabled", lang)


@app.command()
def enable(login: Login, lang: Lang = None) -> None:
    """Let a disabled person in again."""
    _set_state(login, "active", lang)


@app.command()
def password(login: Login, lang: Lang = None) -> None:
    """Set a person's password, which is asked for or read from a pipe. All their sessions end."""
    from streetsight.service.people.service import checked_hash, named_person, set_password

    with database_of_settings(lang) as (database, language):
        with database.read() as session:
            person = named_person(session, login)
        hashed = checked_hash(_ask_password(language), person.login)
        with database.write() as session:
            set_password(session, operator(), named_person(session, login), hashed)
        _say("{login}: the password was changed, all sessions are over", language, login=person.login)


@app.command()
def link(login: Login, lang: Lang = None) -> None:
    """Print a link by which a person chooses a password, once, within 24 hours."""
    from streetsight.service.people.links import add_link
    from streetsight.service.people.service import named_person

    with database_of_settings(lang) as (database, language):
        with database.write() as session:
            token = add_link(session, operator(), named_person(session, login))
        _print_link(token, language)


@app.command("setup-link")
def setup_link(lang: Lang = None) -> None:
    """Print a link by which a first admin comes in, once, within 24 hours. Earlier ones are over."""
    from streetsight.service.people.links import add_link

    with database_of_settings(lang) as (database, language):
        with database.write() as session:
            token = add_link(session, operator())
        _print_link(token, language)


@app.command()
def token(
    login: Login,
    name: Annotated[str, typer.Argument(help="What it is for, as `monthly export`.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it is good.")] = 90,
    lang: Lang = None,
) -> None:
    """Print a token for a program that acts for a person, this once."""
    from streetsight.models.language import translate
    from streetsight.service.people.service import named_person
    from streetsight.service.people.tokens import add_token

    with database_of_settings(lang) as (database, language):
        with database.write() as session:
            _, secret = add_token(session, operator(), named_person(session, login), name, days)
        typer.echo(secret)
        typer.echo(translate("Keep this token: it is not shown again.", language), err=True)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One object per person.")] = False,
    lang: Lang = None,
) -> None:
    """Show all people: login, name, role, state, areas, unit, last sign-in, id."""
    from sqlalchemy import select

    from streetsight.service.people.tables import Person

    with database_of_settings(lang) as (database, _language), database.read() as session:
        for person in session.scalars(select(Person).order_by(Person.login)):
            _show(person, as_json)


def _set_state(login: str, state: str, lang: str | None) -> None:
    from streetsight.service.people.service import change_person, named_person

    with database_of_settings(lang) as (database, _language):
        with database.write() as session:
            person = change_person(session, operator(), named_person(session, login).id, {"state": state})
        _show(person)


def _show(person: "Person", as_json: bool = False) -> None:
    at = person.last_signed_in_at
    row = {
        "login": person.login, "name": person.name, "role": person.role, "state": person.state,
        "areas": person.areas, "unit": person.unit,
        "last_signed_in_at": at.isoformat(timespec="seconds") if at else None, "id": person.id,
    }  # fmt: skip
    typer.echo(json.dumps(row, ensure_ascii=False) if as_json else "\t".join(map(str, row.values())))


def _ask_password(language: "Language") -> str:
    """From a person at a terminal, twice and unseen, or the first line of a pipe."""
    from streetsight.models.language import translate

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    again = translate("Password, once more", language)
    return str(
        typer.prompt(translate("Password", language), hide_input=True, confirmation_prompt=again, err=True)
    )


def _print_link(token: str, language: "Language") -> None:
    """The link alone goes to standard output."""
    from streetsight.models.language import translate
    from streetsight.service.people.links import link_url
    from streetsight.service.settings import read_settings

    typer.echo(link_url(read_settings().address, token))
    typer.echo(translate("Good once, within 24 hours. Hand it over by a safe way.", language), err=True)


def _say(message: str, language: "Language", **values: object) -> None:
    from streetsight.models.language import translate

    typer.echo(translate(message, language, **values))


def _role(name: str) -> "Role":
    from streetsight.service.auth.actor import PERSON_ROLES
    from streetsight.service.people.service import UnknownRole

    found = next((role for role in PERSON_ROLES if role == name), None)
    if found is None:
        raise UnknownRole(
            "{role} is no role; expected one of {known}", role=name, known=", ".join(PERSON_ROLES)
        )
    return found


def _areas(paths: list[str] | None) -> tuple[str, ...] | None:
    from streetsight.service.auth.scope import checked_area

    return tuple(map(checked_area, paths)) if paths else None
