"""Every role with every act, written out: any change to the table shows up here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caller_service.core.roles import MAY, STEP_UP, Act, Role, may, must_have_second_factor

# d dispatcher, s supervisor, n analyst, a administrator
WHO = {
    "account": "dsna", "see_queue": "ds", "read_case": "ds", "read_words": "ds", "readers": "ds",
    "take": "ds", "give_back": "ds", "ask_another": "ds", "decline": "ds", "assign": "ds",
    "status": "ds", "late": "ds", "raise": "ds", "lower": "ds", "place": "ds", "answer_for": "ds",
    "confirm_minor": "ds", "book_callback": "ds", "call_back": "ds", "lift_watched": "ds",
    "link": "ds", "transfer": "ds", "close": "ds", "converse": "ds", "take_over": "ds",
    "call_psap": "ds", "correct": "ds", "care_note": "ds", "slow_number": "s", "erase_words": "s", "see_counts": "sna", "see_journal": "sa",
    "manage_people": "a", "manage_sessions": "a",
}  # fmt: skip
LETTER = {"dispatcher": "d", "supervisor": "s", "analyst": "n", "administrator": "a"}


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_table_says_and_nothing_else(role: Role, act: Act) -> None:
    assert may(role, act) == (LETTER[role] in WHO[act])


def test_every_act_and_every_role_is_in_the_table() -> None:
    assert set(WHO) == {str(act) for act in Act}
    assert set(MAY) == set(Role)


def test_an_unknown_role_and_an_unknown_act_may_nothing() -> None:
    assert not any(may(role, act) for role in ("", "owner", "Dispatcher") for act in Act)
    assert not any(may(role, "erase") for role in Role)


def test_who_gives_rights_or_reads_the_journal_has_a_second_factor() -> None:
    for role in Role:
        powerful = {Act.SEE_JOURNAL, Act.MANAGE_PEOPLE, Act.MANAGE_SESSIONS} & MAY[role]
        assert must_have_second_factor(role) == bool(powerful), role


def test_nothing_that_a_resident_waits_for_asks_who_you_are_again() -> None:
    assert not STEP_UP & MAY[Role.DISPATCHER]


def test_the_document_says_what_the_table_says(project: Path) -> None:
    document = (project / "docs/security.md").read_text().partition("## Roles")[2]
    rows = re.findall(r"^\| (`[a-z_` ]+`) \|(.*)\|$", document.partition("\n## ")[0], re.M)
    told = {
        (act, role)
        for acts, marks in rows
        for act in re.findall(r"`([a-z_]+)`", acts)
        for role, mark in zip(LETTER, marks.split("|"), strict=True)
        if mark.strip() == "yes"
    }

    assert told == {(act, role) for role in Role for act in MAY[role]}
