"""Handles a text from somebody on a ladder, who answers a page with the case's reference and may
write to the resident with it.

"K7M4Q2" takes the case, "K7M4Q2 20" with a time, "K7M4Q2 no" passes it on (core/page_answer.py).
Whoever has the case may write "K7M4Q2 Hello, I am Dana": those words go to the resident. Without a
reference, a staff number that writes of a danger, or wants no texts, is treated as a resident.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from textwrap import shorten

import sqlalchemy as sa

from caller_service.core import holding
from caller_service.core.case import Case, Status, Step
from caller_service.core.dispatch import accept, at_time, decline, update
from caller_service.core.effect import Page
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.page_answer import (
    Act,
    Ambiguous,
    Answer,
    Passes,
    read_answer,
    words_of,
)
from caller_service.core.program import Program, Rung
from caller_service.core.reading import read
from caller_service.core.refusal import Refused
from caller_service.core.reply import Command, CommandName, Danger
from caller_service.core.routing import Scene
from caller_service.core.staff_words import StaffWords, Takes
from caller_service.core.terms import terms
from caller_service.jobs.queue import PEOPLE
from caller_service.store import cases, contacts, messages, turns
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.messages import Text

from .carry_out import HOLD
from .change import Look, full_beside, passes, update_case
from .parts import DIGITS, LETTERS, Parts
from .receive import Turn, receive
from .same_person import comes_back, make_room

_PAIR = rf"[{LETTERS}]\W?[{DIGITS}]"
_REFERENCE = re.compile(rf"(?<![A-Z0-9])(?:{_PAIR}\W?){{2}}{_PAIR}(?![A-Z0-9])")
# commands about the writer themselves
THEMSELVES = frozenset(
    {
        CommandName.STOP,
        CommandName.START,
        CommandName.HELP,
        CommandName.PLEA,
        CommandName.NEW,
        CommandName.PERSON,
        CommandName.EMERGENCY,
        CommandName.EMERGENCY_FOR_ME,
    }
)
MOST_NAMES = 180  # longest list of names in a text to somebody on duty, in characters
MOST_WORDS = 480  # longest text to a resident, in characters
MOST_OF_A_NAME = 2  # words behind "hand to" that are a name rather than a sentence
PASS_KEY = 2  # "2" alone is the phone key for passing on: as minutes it is asked again
NUMBERS = (911, 988)  # never minutes: numbers for the resident
# acts that are none by text, and what is answered: nothing was sent
AT_THE_CONSOLE = {"close": "page.close", "no_act": "page.no_act"}
# longest refusal, in words: "no", "I can't", "not right now"; a longer one is for the resident
SHORT_REFUSAL = 4


def on_the_ladder(program: Program, number: str) -> Rung | None:
    """The person on a ladder with this number, or None."""
    return next((rung for rung in program.ladder if rung.number == number), None)


@dataclass(frozen=True, slots=True)
class _Action:
    """What a text asks for, and the key of its answer. `instead`: the key where what was done says
    that the usual answer would be untrue; "" if it is true."""

    do: Look | None
    key: str
    fill: Mapping[str, str] = field(default_factory=dict, repr=False)
    instead: Callable[[], str] = lambda: ""


def answer_page(parts: Parts, turn: Turn, rung: Rung) -> tuple[Text, ...]:
    """Take the case whose reference was sent, pass it on, or write to the resident. Idempotent: the
    action and the inbound text are written together, so a repeat gets the same answer and does
    nothing."""
    with reading(parts.engine) as conn:
        if (answered := messages.replies_to(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        reference, rest = read_page_answer(turn.said)
        case = cases.by_reference(conn, parts.sealer, reference) if reference else None
        theirs = () if reference else cases.of_person(conn, rung.name)
        themselves = (
            not reference
            and turns.load_turn(conn, parts.sealer, turn.number, parts.now()).case is not None
        )
    if case is None:
        themselves = themselves or about_themselves(parts, turn.said)
        return (
            receive(parts, turn)
            if themselves
            else _do_and_answer(parts, turn, rung, None, _without_case(reference, theirs))
        )
    if is_theirs(parts, case, rung.name):
        return _do_and_answer(parts, turn, rung, case, _Action(None, "page.own"))
    rest, others = without_codes(parts, case, rest)
    if others:
        return _do_and_answer(parts, turn, rung, case, _Action(None, "page.one_code"))
    return _do_and_answer(parts, turn, rung, case, _action(case, rung.name, rest, parts))


def _without_case(reference: str, theirs: tuple[str, ...]) -> _Action:
    """No case was found. Whoever forgot the code must not believe that their words went out: they
    hear which code to begin with, if only one can be meant."""
    if reference:
        return _Action(None, "page.unknown")
    if len(theirs) == 1:
        return _Action(None, "page.code_first", {"code": theirs[0]})
    return _Action(None, "page.no_code")


def is_theirs(parts: Parts, case: Case, name: str) -> bool:
    """Is the case about this person's own phone, under any name? Nobody is asked to take their own
    case."""
    named = name.casefold()
    ladder = parts.program.ladder
    phones = {rung.number for rung in ladder if rung.name.casefold() == named and rung.number}
    if not phones:
        return False
    with reading(parts.engine) as conn:
        return contacts.by_id(conn, parts.sealer, case.contact).number in phones


def about_themselves(parts: Parts, said: str) -> bool:
    """Is this no answer to a page but a person in danger, or one who wants no texts?"""
    reply = read(said, None, (), parts.language_words[parts.program.languages[0]]).reply
    return isinstance(reply, Danger) or (isinstance(reply, Command) and reply.name in THEMSELVES)


def _do_and_answer(
    parts: Parts, turn: Turn, rung: Rung, case: Case | None, deed: _Action
) -> tuple[Text, ...]:
    """Do the action, and write the inbound text and its answer in the same transaction."""
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
                    make_room(parts, case.id, rung.name, deed.fill.get("reason", ""))
                update_case(
                    parts,
                    case.id,
                    deed.do,
                    rung.name,
                    also=lambda conn: heard(conn, deed.instead() or deed.key, deed.fill),
                )
            except Refused as refusal:
                _answer_refusal(parts, rung, case, refusal, heard)
    except (
        sa.exc.IntegrityError
    ):  # the same text came twice at once: the other's answer is the answer
        with reading(parts.engine) as conn:
            return messages.replies_to(conn, parts.sealer, turn.provider_id) or ()
    return tuple(replies)


def _answer_refusal(
    parts: Parts,
    rung: Rung,
    case: Case,
    refusal: Refused,
    heard: Callable[[sa.Connection, str, Mapping[str, str]], None],
) -> None:
    """Say why it was refused. Whoever already holds too many cases is passed over: the next person
    is paged now."""
    key = REFUSALS.get(refusal.code, "page.ended")
    if refusal.code == "taken" and case.holder:  # they were asked because the holder is silent
        key = "page.held"
    key = "page.not_yours" if key == "page.held" and not refusal.name else key
    if refusal.code == "taken" and case.moved_unlooked:  # what they were asked for is still needed
        key += " alert.minor" if case.minor else " alert.threat"
    if refusal.code == "may_not_text":
        key = " ".join((key, *terms(case)))
    if refusal.code == "full":
        with contextlib.suppress(Refused):
            update_case(
                parts,
                case.id,
                lambda now, scene, conn: passes(now, rung.name, scene, conn),
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
    "off_duty": "page.off_duty",
    "reason_needed": "page.reason",
    "not_yours": "page.held",
    "write_first": "page.write_first",
    "paused_before": "page.paused_before",
    "not_parked": "page.not_parked",
    "phone_in_use": "page.phone_in_use",
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
    """The reference in an answer, in any spacing and case, and the remaining text."""
    found = _REFERENCE.search(said.upper())
    if found is None:
        return "", ""
    return re.sub(r"\W", "", found[0]), f"{said[: found.start()]} {said[found.end() :]}".strip()


def without_codes(parts: Parts, case: Case, rest: str) -> tuple[str, bool]:
    """The text without its own code, said twice, and whether it names another case too: which of
    the two is meant is not known, and a code is no word for a resident."""
    with reading(parts.engine) as conn:
        for found in _REFERENCE.finditer(rest.upper()):
            code = re.sub(r"\W", "", found[0])
            if code == case.reference:
                rest = f"{rest[: found.start()]}{rest[found.end() :]}".strip()
                return without_codes(parts, case, rest)
            if cases.by_reference(conn, parts.sealer, code) is not None:
                return rest, True
    return rest, False


def promised(answer: Takes, scene: Scene) -> datetime | None:
    """When somebody who takes a case says they will be there; None without a time. Raises Refused:
    too_far, for more than twelve hours."""
    if answer.minutes is not None:
        if answer.minutes > 12 * 60:
            raise Refused("too_far")
        return scene.now + timedelta(minutes=answer.minutes)
    if answer.at is None:
        return None
    hour, minute = answer.at
    if not answer.either:
        return at_time(hour, minute, scene)
    near = [each for each in (hour % 12, hour % 12 + 12) if _near(each, minute, scene)]
    if not near:  # around a change of clocks both may be more than twelve hours away
        raise Refused("too_far")
    return min(at_time(each, minute, scene) for each in near)


def _near(hour: int, minute: int, scene: Scene) -> bool:
    try:
        at_time(hour, minute, scene)
    except Refused:
        return False
    return True


def _action(case: Case, name: str, rest: str, parts: Parts) -> _Action:
    """What the words around the reference ask for. Whoever holds the case writes to the resident
    with it."""
    if case.ended:
        return _Action(None, "page.ended")
    answer = read_answer(
        rest, parts.program.staff, lambda words: bool(_named(words, parts.program))
    )
    if isinstance(answer, Act) and answer.name in AT_THE_CONSOLE:
        return _Action(None, AT_THE_CONSOLE[answer.name])
    if isinstance(answer, Act) and (deed := _act(answer, case, name, rest, parts)) is not None:
        return deed
    if isinstance(answer, Ambiguous):
        return _Action(None, "page.how")
    if name == case.holder:
        return _from_holder(case, name, rest, answer, parts.program.staff)
    if name == case.accepted_by and case.human_has_it:
        return _from_who_accepted(case, name, rest, answer, parts.program.staff)
    if isinstance(answer, Takes) and answer.minutes != PASS_KEY:
        return _takes(case, name, answer)
    if isinstance(answer, Passes):
        return _passes(name)
    if case.human_has_it and not case.page_waits:  # "not taken yet" would be untrue
        return _Action(None, "page.held", {"name": case.in_charge})
    return _Action(None, "page.unclear")


def _takes(case: Case, name: str, answer: Takes) -> _Action:
    """Take the case, unless they hold as many dangers as one person may; then the next person is
    paged."""

    def do(now: Case, scene: Scene, conn: sa.Connection) -> Step:
        at = promised(answer, scene) or now.marks.get(Mark.PROMISED)
        return accept(now, name, at, scene, full=full_beside(conn, now))

    return _Action(do, _accepted_keys(case))


def _passes(name: str) -> _Action:
    """They cannot take it. Who was not asked, or says so again, changes nothing: that the next
    person is asked now would be untrue."""
    instead = ""

    def do(now: Case, scene: Scene, conn: sa.Connection) -> Step:
        nonlocal instead
        step = passes(now, name, scene, conn)
        asks_next = any(isinstance(effect, Page) for effect in step.effects)
        instead = "" if asks_next else "page.passed_alone"
        return step

    return _Action(do, "page.passed", instead=lambda: instead)


def _accepted_keys(case: Case) -> str:
    """Keys that say the case is theirs, and what they must know before they write."""
    return " ".join(("page.accepted", *terms(case)))


def _from_holder(case: Case, name: str, rest: str, answer: Answer, staff: StaffWords) -> _Action:
    """The holder's text: everything but a command is for the resident. A bare "no" is asked again:
    it may be for the resident, or mean that they cannot go on."""
    words = words_of(rest, staff)
    if isinstance(answer, Passes) and words.casefold().strip(" .!") in staff.gives_back:
        return _Action(lambda now, scene, _: _give_back(now, name, scene), "page.released")
    if isinstance(answer, Takes) and answer.minutes not in NUMBERS and not case.holder_wrote:
        # it was handed to them: an "ok" is for whoever asked, and no first words (rule 20)
        return _Action(None, _accepted_keys(case))
    if isinstance(answer, Passes) and not case.holder_wrote:  # it was handed to them: they refuse
        return _Action(lambda now, scene, _: _give_back(now, name, scene), "page.released")
    if isinstance(answer, Passes) and len(words.split()) <= SHORT_REFUSAL:
        return _Action(None, "page.sure")
    return (
        _speaks(name, words)
        if any(letter.isalnum() for letter in words)
        else _Action(None, _accepted_keys(case))
    )


def _from_who_accepted(
    case: Case, name: str, rest: str, answer: Answer, staff: StaffWords
) -> _Action:
    """The text of somebody who accepted and has not written yet: a time, a refusal, or first
    words."""
    words = words_of(rest, staff)
    if answer == Takes() and words and not case.page_waits:  # "on our way": to us, or to them?
        return _Action(None, "page.already")
    if isinstance(answer, Takes) and answer.minutes not in NUMBERS:
        return _takes(case, name, answer)
    if isinstance(answer, Passes):
        return _Action(lambda now, scene, _: _give_back(now, name, scene), "page.released")
    return (
        _speaks(name, words)
        if any(letter.isalnum() for letter in words)
        else _Action(None, _accepted_keys(case))
    )


def _speaks(name: str, words: str) -> _Action:
    words = words[:MOST_WORDS]
    return _Action(
        lambda now, scene, conn: holding.note(now, name, words, scene, full=full_beside(conn, now)),
        "page.note_sent",
    )


def _looks(case: Case, name: str, reason: str, scene: Scene) -> Step:
    """They looked at the case: at a minor's before a team goes, and at what a review asked to be
    read. Nobody is asked for that again."""
    looked = holding.looked(case, name, reason, scene)
    if not looked.case.review:
        return looked
    read = holding.read_by(looked.case, name, reason, scene)
    return Step(read.case, (*looked.effects, *read.effects))


def _give_back(case: Case, name: str, scene: Scene) -> Step:
    return (
        holding.release(case, name, "", scene)
        if case.in_danger or case.held
        else decline(case, name, "", scene)
    )


def _named(words: str, program: Program) -> str:
    """Whose name on the ladder this is, or begins: "Second" is the "Second dispatcher" if nobody
    else is called so, also with a reason behind it ("Second, my shift ends"). "" for nobody."""
    said = re.split(r"[,.;:!–—]", words.strip(" .:"))[0].casefold().split()
    while len(said) > 1 and said[-1] in program.staff.beside_acts:
        said.pop()
    names = dict.fromkeys(rung.name for rung in program.ladder)
    exact = [name for name in names if name.casefold().split() == said]
    begun = [name for name in names if said and name.casefold().split()[: len(said)] == said]
    return exact[0] if exact else begun[0] if len(begun) == 1 else ""


def _act(act: Act, case: Case, name: str, rest: str, parts: Parts) -> _Action | None:
    """A command about the conversation, with a reason after it where one is needed. None if the
    sentence only begins like a command ("hand to him the phone")."""
    words = act.words
    if act.name == "hand_over":
        to = _named(words, parts.program)
        short = len(words.split()) <= MOST_OF_A_NAME and case.in_charge == name
        if not to and not short and not words_of(rest, parts.program.staff)[:4].isupper():
            return None
        if not to:
            names = dict.fromkeys(rung.name for rung in parts.program.ladder if rung.number)
            return _Action(None, "page.no_such", {"names": shorten(", ".join(names), MOST_NAMES)})
        if is_theirs(parts, case, to):
            return _Action(None, "page.own")
        return _Action(
            lambda now, scene, conn: holding.hand_over(
                now, name, to, "", scene, full_beside(conn, now)
            ),
            "page.handed",
            {"name": to},
        )
    if act.name == "arrived":
        theirs = name == case.in_charge and case.human_has_it
        if case.response != "team" or case.in_danger or not theirs:
            return None  # words for the resident
        return _Action(
            lambda now, scene, _: update(now, Status.ARRIVED, name, "", scene), "page.arrived"
        )
    if act.name == "same_person":
        return _Action(comes_back(parts, name, words), "page.back", {"reason": words})
    deeds: Mapping[str, tuple[Look, str]] = {
        "pause": (lambda now, scene, _: holding.pause(now, name, words, scene), "page.paused"),
        "take_over": (
            lambda now, scene, conn: holding.take_over(
                now, name, words, scene, full_beside(conn, now)
            ),
            _accepted_keys(case),
        ),
        "release": (lambda now, scene, _: _give_back(now, name, scene), "page.released"),
        "looked": (lambda now, scene, _: _looks(now, name, words, scene), "page.looked"),
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
    return _Action(do, key)
