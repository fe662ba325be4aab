"""Decides what somebody of the staff may do: one table, role by role (docs/security.md).

Which case or whose account is no question here: the console shows all cases, as one desk does. What
is not named for a role is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"  # no names, numbers or words of residents
    ADMINISTRATOR = "administrator"  # of accounts; reads no case


class Act(StrEnum):
    ACCOUNT = "account"  # one's own: password, codes, sessions, how the console looks
    SEE_QUEUE = "see_queue"
    READ_CASE = "read_case"
    READ_WORDS = "read_words"  # of the resident, and of whoever wrote to them
    READERS = "readers"  # who has read this case
    TAKE = "take"
    GIVE_BACK = "give_back"
    ASK_ANOTHER = "ask_another"
    DECLINE = "decline"
    ASSIGN = "assign"
    STATUS = "status"
    LATE = "late"
    RAISE = "raise"
    LOWER = "lower"
    PLACE = "place"
    ANSWER_FOR = "answer_for"
    CONFIRM_MINOR = "confirm_minor"
    BOOK_CALLBACK = "book_callback"
    CALL_BACK = "call_back"
    LIFT_WATCHED = "lift_watched"
    LINK = "link"
    TRANSFER = "transfer"
    CLOSE = "close"
    CORRECT = "correct"  # what was recorded of police, after the end
    CONVERSE = "converse"
    TAKE_OVER = "take_over"  # a conversation that somebody else holds
    CALL_PSAP = "call_psap"
    CARE_NOTE = "care_note"
    SLOW_NUMBER = "slow_number"
    ERASE_WORDS = "erase_words"  # of a case that has ended; and to set or lift a legal hold
    SEE_COUNTS = "see_counts"
    SEE_JOURNAL = "see_journal"  # of what belongs to no case
    MANAGE_PEOPLE = "manage_people"
    MANAGE_SESSIONS = "manage_sessions"  # of others


_DISPATCHER = frozenset({
    Act.ACCOUNT, Act.SEE_QUEUE, Act.READ_CASE, Act.READ_WORDS, Act.READERS, Act.TAKE,
    Act.GIVE_BACK, Act.ASK_ANOTHER, Act.DECLINE, Act.ASSIGN, Act.STATUS, Act.LATE, Act.RAISE,
    Act.LOWER, Act.PLACE, Act.ANSWER_FOR, Act.CONFIRM_MINOR, Act.BOOK_CALLBACK, Act.CALL_BACK,
    Act.LIFT_WATCHED, Act.LINK, Act.TRANSFER, Act.CLOSE, Act.CONVERSE, Act.TAKE_OVER,
    Act.CARE_NOTE, Act.CALL_PSAP, Act.CORRECT,
})  # fmt: skip

MAY: Mapping[Role, frozenset[Act]] = {
    Role.DISPATCHER: _DISPATCHER,
    Role.SUPERVISOR: _DISPATCHER
    | {Act.SLOW_NUMBER, Act.ERASE_WORDS, Act.SEE_COUNTS, Act.SEE_JOURNAL},
    Role.ANALYST: frozenset({Act.ACCOUNT, Act.SEE_COUNTS}),
    Role.ADMINISTRATOR: frozenset(
        {Act.ACCOUNT, Act.SEE_COUNTS, Act.SEE_JOURNAL, Act.MANAGE_PEOPLE, Act.MANAGE_SESSIONS}
    ),
}

# What takes something from somebody and cannot be undone by the next click: the person is asked
# once more who they are. Nothing that a resident waits for is among them.
STEP_UP = frozenset({Act.MANAGE_PEOPLE, Act.MANAGE_SESSIONS, Act.ERASE_WORDS})

# Who reads the journal or gives others their rights has a second factor.
SECOND_FACTOR = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})


def may(role: str, act: str) -> bool:
    """May somebody with this role do this? What is not known may nothing."""
    return any(known == role and act in acts for known, acts in MAY.items())


def must_have_second_factor(role: str) -> bool:
    """Is a code asked for at every sign-in of this role?"""
    return role in SECOND_FACTOR
