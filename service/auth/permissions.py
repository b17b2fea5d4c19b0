"""What each role may do: the only such table. Where, and on whose things, is the matter of scopes."""

from enum import StrEnum

from streetsight.service.auth.actor import Actor, Role


class Permission(StrEnum):
    """Something that a route lets people do."""

    OWN_ACCOUNT = "own_account"  # read oneself, change the password, tokens, end sessions
    READ = "read"  # frames, patrols, sightings, candidates, issues, areas, coverage
    READ_TASKS = "read_tasks"  # issues; a handler sees those of its own unit alone
    READ_STREET_ENTRIES = "read_street_entries"  # what the street or its units entered and decided themselves
    FOLLOW = "follow"  # events and reports, which tell of decisions as they are made
    SEE_ORIGINALS = "see_originals"  # pictures that are not redacted; each look is logged
    ENTER = "enter"  # report what one saw
    HANDLE_REPORTS = "handle_reports"  # bring in tickets of hotlines, read who reported
    DECIDE = "decide"  # confirm, reject, correct, merge, split
    MANAGE_ISSUES = "manage_issues"  # dispatch, check, close, put off, shelve, supervise
    ANSWER_TASKS = "answer_tasks"  # say how an issue was handled
    RUN_CAMPAIGNS = "run_campaigns"  # campaigns and sweeps: write down, start, look at places, end
    MANAGE_SHOPS = "manage_shops"  # the register of shops, their ratings, cards and points
    SEE_CONTACTS = "see_contacts"  # who is responsible for a shop; each look at a telephone is logged
    EXPORT = "export"  # candidates and issues as files
    ANALYSE = "analyse"  # zones, areas, releases, imports, uploads of videos
    ADMINISTER = "administer"  # people, devices, webhooks, retention
    READ_AUDIT = "read_audit"


P = Permission
_EVERYBODY = {P.OWN_ACCOUNT}
_READER = _EVERYBODY | {P.READ, P.READ_TASKS, P.READ_STREET_ENTRIES, P.FOLLOW}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.ANALYST: frozenset(_READER | {P.SEE_ORIGINALS, P.EXPORT, P.ANALYSE}),
    Role.INSPECTOR: frozenset(
        _READER
        | {P.SEE_ORIGINALS, P.ENTER, P.HANDLE_REPORTS, P.DECIDE, P.MANAGE_ISSUES, P.EXPORT}
        | {P.RUN_CAMPAIGNS, P.MANAGE_SHOPS, P.SEE_CONTACTS}
    ),
    Role.STREET_CHIEF: frozenset(
        _READER
        | {P.ENTER, P.DECIDE, P.MANAGE_ISSUES, P.ANSWER_TASKS, P.EXPORT}
        | {P.RUN_CAMPAIGNS, P.MANAGE_SHOPS, P.SEE_CONTACTS}
    ),
    Role.THIRD_PARTY: frozenset(_EVERYBODY | {P.READ, P.READ_TASKS, P.ENTER, P.DECIDE}),
    Role.HANDLER: frozenset(_EVERYBODY | {P.READ_TASKS, P.READ_STREET_ENTRIES, P.ANSWER_TASKS}),
    Role.VIEWER: frozenset(_READER),
    Role.DEVICE: frozenset(),  # what a device may do, its token's scopes say
}


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's role has the permission."""
    return permission in GRANTS[actor.role]
