"""Words that give contact back: "you can text me again" (docs/safety-rules.md, rule 10).

Taking contact back is believed from anybody; giving it back is not, because whoever holds the phone
may write it. The code word proves who writes, outside danger, violence and argument; else a human
looks at it first.
"""

from __future__ import annotations

from .after_hand_off import tell_somebody
from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Record, Say
from .journal_events import Event
from .reach import ContactAnswer
from .reply import (
    GIVES_BACK,
    Answer,
    Command,
    CommandName,
    Danger,
    OtherLanguage,
    Reading,
    Withdrawal,
)
from .routing import Scene
from .safe_contact import CALL_ALLOWED, TEXT_ALLOWED, sensitive
from .said import Said
from .turn_steps import LINES, add_to_narrative, alert_accepter, next_line

OPENED = {  # what a refusal and the permission of one way become
    frozenset({"text"}): ContactAnswer.TEXT,
    frozenset({"call"}): ContactAnswer.CALL,
    frozenset({"text", "call"}): ContactAnswer.TEXT_CALL,
}


def contact_given_back(case: Case, reading: Reading, said: str, scene: Scene) -> Step | None:
    """Open contact again for whoever wrote the code word; ask a human about it for others. None:
    nothing is given back, or nothing was closed."""
    reply = reading.reply
    given = frozenset(way for wish, way in GIVES_BACK.items() if wish in reading.wishes)
    other = isinstance(reply, (Answer, Danger, Withdrawal, OtherLanguage))
    commands = isinstance(reply, Command) and reply.name != CommandName.PERSON
    if other or commands or not _closed(case) & given:
        return None
    case = add_to_narrative(case, said)
    if reading.verified and not sensitive(case) and Said.UNSAFE not in case.said:
        return _opened(case, given)
    if case.in_danger:
        case, words = next_line(case, LINES)
        told = alert_accepter(case, "alert.words", said.strip())
        return Step(case, (words, *told, Record(Event.CONTACT_OFFERED)))
    if case.status == Status.SCREENING:
        case = said_again(case, frozenset({Said.STORY}), scene)
        return Step(case, (Say("contact.by_human"), Record(Event.CONTACT_OFFERED)))
    case, effects = tell_somebody(case, said, scene)
    return Step(case, (Say("contact.by_human"), Record(Event.CONTACT_OFFERED), *effects))


def _closed(case: Case) -> frozenset[str]:
    """The ways of contact that were refused or taken back. Not asked is not closed."""
    contact = case.answers.get("contact", "")
    refused = contact in (*ContactAnswer,) and contact != ContactAnswer.PAGE
    ways = set(case.withdrawn)
    ways |= {"text"} if refused and contact not in TEXT_ALLOWED else set()
    ways |= {"call"} if refused and contact not in CALL_ALLOWED else set()
    return frozenset(ways)


def _opened(case: Case, given: frozenset[str]) -> Step:
    """They proved who they are: what they give back is theirs to give."""
    ways = given | ({"text", "call"} - _closed(case))
    answers = {**case.answers, "contact": str(OPENED[frozenset(ways)])}
    case = replace(case, answers=answers, withdrawn=case.withdrawn - given)
    return Step(case, (Say("contact.open"), Record(Event.CONTACT_OPENED)))
