"""A text from somebody on a ladder: they answer a page with the case's reference, and may speak
with the resident by it.

"K7M4Q2" takes the case, "K7M4Q2 20" with a time, "K7M4Q2 no" passes it on (core/page_answer.py).
Whoever has it may write "K7M4Q2 Hello, I am Dana": those words go to the resident. Without a code,
a staff number that writes of a danger, or wants no texts, is a person like any other.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core import holding
from caller_service.core.case import Case, Step
from caller_service.core.dispatch import accept, at_time, decline, pass_on
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.page_answer import (
    Act,
    Ambiguous,
    Answer,
    Passes,
    Says,
    read_answer,
    words_of,
)
from caller_service.core.parking import come_back
from caller_service.core.program import Program, Rung
from caller_service.core.refusal import Refused
from caller_service.core.reply import Command, Danger, read
from caller_service.core.routing import Scene
from caller_service.core.staff_words import StaffWords, Takes
from caller_service.core.terms import terms
from caller_service.jobs.queue import PEOPLE
from caller_service.store import cases, contacts, messages, turns
from caller_service.store.database.transaction import transaction
from caller_service.store.messages import Text

from .carry_out import HOLD
from .change import Look, update_case
from .parts import DIGITS, LETTERS, Parts
from .receive import Turn, receive
from .same_person import make_room

_PAIR = rf"[{LETTERS}]\W?[{DIGITS}]"
_REFERENCE = re.compile(rf"(?<![A-Z0-9])(?:{_PAIR}\W?){{2}}{_PAIR}(?![A-Z0-9])")
# about the one who writes
THEMSELVES = frozenset({"stop", "start", "help", "person", "emergency", "emergency_for_me"})
MOST_WORDS = 480  # characters to a resident in one text
PASS_KEY = 2  # "2" alone: on the phone that key passes it on, so as minutes it is asked back
NUMBERS = (911, 988)  # never minutes: a number for the resident
SHORT_REFUSAL = 4  # words: "no", "I can't", "not right now"; a longer one is for the resident


def on_the_ladder(program: Program, number: str) -> Rung | None:
    """Whose number this is, if it is somebody's we page."""
    return next((rung for rung in program.ladder if rung.number == number), None)


@dataclass(frozen=True, slots=True)
class _Deed:
    """What a text asks for, and what is answered when it is done."""

    do: Look | None
    key: str
    fill: Mapping[str, str] = field(default_factory=dict, repr=False)


def answer_page(parts: Parts, turn: Turn, rung: Rung) -> tuple[Text, ...]:
    """Take the case whose reference was sent, pass it on, or speak with the resident. The same text
    twice gets the same answer, and does nothing twice: what it does and that it was heard are
    written together."""
    with parts.engine.connect() as conn:
        if (answered := messages.heard(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        reference, rest = read_page_answer(turn.said)
        case = cases.by_reference(conn, parts.sealer, reference) if reference else None
        themselves = (
            not reference
            and turns.load_turn(conn, parts.sealer, turn.number, parts.now()).case is not None
        )
    if case is None:
        themselves = themselves or about_themselves(parts, turn.said)
        return (
            receive(parts, turn)
            if themselves
            else _answered(parts, turn, rung, None, _Deed(None, "page.unknown"))
        )
    if is_theirs(parts, case, rung.name):
        return _answered(parts, turn, rung, case, _Deed(None, "page.own"))
    return _answered(parts, turn, rung, case, _deed(case, rung.name, rest, parts))


def is_theirs(parts: Parts, case: Case, name: str) -> bool:
    """Is the case about the phone of somebody on a ladder, by name? Nobody is asked to take their
    own."""
    phones = {rung.number for rung in parts.program.ladder if rung.name == name and rung.number}
    if not phones:
        return False
    with parts.engine.connect() as conn:
        return contacts.by_id(conn, parts.sealer, case.contact).number in phones


def about_themselves(parts: Parts, said: str) -> bool:
    """Is this no answer to a page, but a person in danger, or one who wants no texts?"""
    reply = read(said, None, (), parts.ears[parts.program.languages[0]]).reply
    return isinstance(reply, Danger) or (isinstance(reply, Command) and reply.name in THEMSELVES)


def _answered(
    parts: Parts, turn: Turn, rung: Rung, case: Case | None, deed: _Deed
) -> tuple[Text, ...]:
    """Do it, and write in the same transaction that it was heard and what is answered."""
    replies: list[Text] = []

    def heard(conn: sa.Connection, key: str, fill: Mapping[str, str]) -> None:
        replies[:] = _rows(conn, parts, turn, rung, case, key, fill)

    try:
        if deed.do is None or case is None:
            with transaction(parts.engine) as conn:
                heard(conn, deed.key, deed.fill)
        else:
            try:
                if deed.key == "page.back":
                    make_room(parts, case.id, rung.name)
                update_case(
                    parts,
                    case.id,
                    deed.do,
                    rung.name,
                    also=lambda conn: heard(conn, deed.key, deed.fill),
                )
            except Refused as refusal:
                _refused(parts, rung, case, refusal, heard)
    except (
        sa.exc.IntegrityError
    ):  # the same text came twice at once: the other's answer is the answer
        with parts.engine.connect() as conn:
            return messages.heard(conn, parts.sealer, turn.provider_id) or ()
    return tuple(replies)


def _refused(
    parts: Parts,
    rung: Rung,
    case: Case,
    refusal: Refused,
    heard: Callable[[sa.Connection, str, Mapping[str, str]], None],
) -> None:
    """Say why; who holds too many already was asked in vain, and the next person is asked now."""
    key = REFUSALS.get(refusal.code, "page.ended")
    key = "page.not_yours" if key == "page.held" and not refusal.name else key
    if refusal.code == "may_not_text":
        key = " ".join((key, *terms(case)))
    if refusal.code == "full":
        with contextlib.suppress(Refused):
            update_case(
                parts,
                case.id,
                lambda now, scene, _: pass_on(now, rung.name, scene),
                rung.name,
                also=lambda conn: heard(conn, key, {}),
            )
            return
    with transaction(parts.engine) as conn:
        heard(conn, key, {"name": refusal.name})


REFUSALS = {
    "taken": "page.taken",
    "held": "page.held",
    "too_far": "page.too_far",
    "may_not_text": "page.note_refused",
    "full": "page.full",
    "full_other": "page.full_other",
    "reason_needed": "page.reason",
    "not_yours": "page.held",
    "paused_before": "page.paused_before",
    "not_parked": "page.not_parked",
}


def _rows(
    conn: sa.Connection,
    parts: Parts,
    turn: Turn,
    rung: Rung,
    case: Case | None,
    key: str,
    fill: Mapping[str, str],
) -> list[Text]:
    language, about = parts.program.languages[0], case.id if case else None
    reference = case.reference if case else ""
    keys = key.split()
    words = "\n".join(
        parts.catalog.text(language, each, reference=reference, program=parts.program.name, **fill)
        for each in keys
    )
    theirs = {"case_id": about, "person": rung.name}
    inbound = Text.inbound(
        parts.new_id(), turn.said, turn.heard, provider_id=turn.provider_id, **theirs
    )
    now = parts.now()
    reply = Text.outbound(
        parts.new_id(),
        words,
        TextState.WAITING if turn.late else TextState.REPLIED,
        now,
        answers=inbound.id,
        keys=key,
        language=language,
        next_at=now + HOLD if turn.late else None,
        **theirs,
    )
    messages.add(conn, messages.rows(parts.sealer, (inbound, reply)))
    if turn.late:
        parts.jobs.enqueue(conn, "send_text", f"send:{reply.id}:0", reply.id, PEOPLE)
    return [reply]


def read_page_answer(said: str) -> tuple[str, str]:
    """The reference in an answer, in any spacing and case, and the rest of it."""
    found = _REFERENCE.search(said.upper())
    if found is None:
        return "", ""
    return re.sub(r"\W", "", found[0]), f"{said[: found.start()]} {said[found.end() :]}".strip()


def promised(answer: Takes, scene: Scene) -> datetime | None:
    """When somebody who takes a case says they will be there; None for no time. Raises Refused for
    one more than twelve hours away."""
    if answer.minutes is not None:
        if answer.minutes > 12 * 60:
            raise Refused("too_far")
        return scene.now + timedelta(minutes=answer.minutes)
    if answer.at is None:
        return None
    hour, minute = answer.at
    if not answer.either:
        return at_time(hour, minute, scene)
    return min(
        at_time(each, minute, scene)
        for each in (hour % 12, hour % 12 + 12)
        if _near(each, minute, scene)
    )


def _near(hour: int, minute: int, scene: Scene) -> bool:
    try:
        at_time(hour, minute, scene)
    except Refused:
        return False
    return True


def _deed(case: Case, name: str, rest: str, parts: Parts) -> _Deed:
    """What the words around the code ask for. Whoever has the case speaks with the resident by
    it."""
    answer = read_answer(rest, parts.program.staff)
    if isinstance(answer, Act) and (deed := _act(answer, case, name, rest, parts)) is not None:
        return deed
    if isinstance(answer, Ambiguous):
        return _Deed(None, "page.how")
    if name == case.holder:
        return _from_holder(case, name, rest, answer, parts.program.staff)
    if name == case.accepted_by and case.human_has_it:
        return _from_who_accepted(case, name, rest, answer)
    if isinstance(answer, Takes) and answer.minutes != PASS_KEY:
        return _takes(case, name, answer)
    if isinstance(answer, Passes):
        return _Deed(lambda now, scene, _: pass_on(now, name, scene), "page.passed")
    if isinstance(answer, Says) and case.human_has_it and not case.page_waits:
        return _Deed(None, "page.held", {"name": case.in_charge})
    return _Deed(None, "page.unclear")


def _takes(case: Case, name: str, answer: Takes) -> _Deed:
    """Take it, unless they hold as many dangers as one person may: then it is refused, and the next
    person is asked."""

    def do(now: Case, scene: Scene, conn: sa.Connection) -> Step:
        if now.in_danger and _others(conn, name, now) >= holding.MOST_HELD:
            raise Refused("full")
        return accept(now, name, promised(answer, scene) or now.marks.get(Mark.PROMISED), scene)

    return _Deed(do, _yours(case))


def _yours(case: Case) -> str:
    """That it is theirs, and what they must know before they write."""
    return " ".join(("page.accepted", *terms(case)))


def _from_holder(case: Case, name: str, rest: str, answer: Answer, staff: StaffWords) -> _Deed:
    """They speak with the resident: all but a command are words for them. A bare "no" may be an
    answer to the resident, or mean that they cannot go on: it is asked back."""
    words = words_of(rest)
    if isinstance(answer, Passes) and words.casefold().strip(" .!") in staff.gives_back:
        return _Deed(lambda now, scene, _: _given_back(now, name, scene), "page.released")
    if isinstance(answer, Passes) and len(words.split()) <= SHORT_REFUSAL:
        return _Deed(None, "page.sure")
    return (
        _speaks(name, words)
        if any(letter.isalnum() for letter in words)
        else _Deed(None, _yours(case))
    )


def _from_who_accepted(case: Case, name: str, rest: str, answer: Answer) -> _Deed:
    """They have it and have not written yet: a time, a refusal, or their first words."""
    words = words_of(rest)
    if isinstance(answer, Takes) and answer.minutes not in NUMBERS:
        return _takes(case, name, answer)
    if isinstance(answer, Passes):
        return _Deed(lambda now, scene, _: _given_back(now, name, scene), "page.released")
    return (
        _speaks(name, words)
        if any(letter.isalnum() for letter in words)
        else _Deed(None, _yours(case))
    )


def _speaks(name: str, words: str) -> _Deed:
    words = words[:MOST_WORDS]
    return _Deed(
        lambda now, scene, conn: holding.note(
            now, name, words, scene, others=_others(conn, name, now)
        ),
        "page.note_sent",
    )


def _given_back(case: Case, name: str, scene: Scene) -> Step:
    return (
        holding.release(case, name, "", scene)
        if case.in_danger or case.held
        else decline(case, name, "", scene)
    )


def _act(act: Act, case: Case, name: str, rest: str, parts: Parts) -> _Deed | None:
    """What somebody does to a conversation by text; a reason stands behind the word where one is
    needed. None: it is a sentence that only begins like a command ("hand to him the phone")."""
    words = act.words
    if act.name == "hand_over":
        to = next(
            (
                rung.name
                for rung in parts.program.ladder
                if rung.name.casefold() == words.casefold().strip(" .:")
            ),
            "",
        )
        if not to and not words_of(rest)[:4].isupper():
            return None
        if not to:
            return _Deed(None, "page.no_such", {"name": words[:40]})
        if is_theirs(parts, case, to):
            return _Deed(None, "page.own")
        return _Deed(
            lambda now, scene, conn: holding.hand_over(
                now, name, to, "", scene, _others(conn, to, now)
            ),
            "page.handed",
            {"name": to},
        )
    deeds: Mapping[str, tuple[Look, str]] = {
        "same_person": (
            lambda now, scene, _: come_back(now, name, words, scene),
            "page.back",
        ),
        "pause": (lambda now, scene, _: holding.pause(now, name, words, scene), "page.paused"),
        "take_over": (
            lambda now, scene, conn: holding.take_over(
                now, name, words, scene, _others(conn, name, now)
            ),
            _yours(case),
        ),
        "release": (lambda now, scene, _: _given_back(now, name, scene), "page.released"),
        "looked": (lambda now, scene, _: holding.looked(now, name, words, scene), "page.looked"),
        "lower": (
            lambda now, scene, _: holding.lower_level(now, name, words, scene),
            "page.lowered",
        ),
        "lift": (
            lambda now, scene, _: holding.lift_watched(now, name, words, scene),
            "page.lifted",
        ),
    }
    do, key = deeds[act.name]
    return _Deed(do, key)


def _others(conn: sa.Connection, name: str, case: Case) -> int:
    """Dangers that this person holds beside this one (rule 21)."""
    return cases.held_by(conn, name, case.id)
