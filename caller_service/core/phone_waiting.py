"""A caller in the queue of their case, joined to a human, parted from them, and gone
(docs/phone.md; docs/safety-rules.md, rules 3, 4, 5 and 24)."""

from __future__ import annotations

from dataclasses import replace as with_changes
from datetime import timedelta

from .callback import SOON, book, spaced
from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Alert, Effects, HandOff, Page, Record, Ring, Say
from .escalation import asked_instead
from .hand_off import revise
from .journal_events import Event
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .phone_numbers import refused_number
from .phone_script import (
    FIRST_SILENCE,
    GOODBYE,
    SLOWER_AFTER,
    SLOWER_LINE,
    WAIT_LINE,
    At,
    Heard,
    Line,
    Position,
    Spoken,
    Surroundings,
    Then,
    closing,
    unspoken,
)
from .program import Program
from .protocol import Level
from .refusal import Refused
from .routing import Scene
from .safe_contact import may_call, may_text
from .said import Said
from .turn_steps import recompute


def calls_again(case: Case, scene: Scene) -> Step:
    """Handle a call about a danger that is known. Whoever has the case is told and their phone
    rings; if nobody has it, people are being asked, and the next is asked now. Somebody who speaks
    with another call of this number is only told, because their phone cannot ring, and somebody
    else is asked."""
    if case.talking:
        step = _asks_beside(case, scene)
        told = "alert.calls_too.asked" if step.effects else "alert.calls_too"
        alert = Alert(told, case.in_charge)
        return Step(*revise(step.case, (alert, *step.effects, HandOff("calls_again"))))
    if case.in_charge and not case.page_waits:
        return Step(case, (Alert("alert.calls", case.in_charge), Ring(case.in_charge)))
    if Mark.FIRST_PAGED not in case.marks:
        return asks_for_person(case, scene)
    case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), "", scene)
    return Step(*revise(case, (*pages, HandOff("calls_again"))))


# ---- waiting for a human -------------------------------------------------------------------------


def to_human(step: Step, position: Position, scene: Scene, lines: tuple[Line, ...] = ()) -> Spoken:
    """Put the caller into the queue of their case. The lines are the first that are spoken there,
    so that whoever takes the call need not wait for their end."""
    position = with_changes(
        position, at=At.WAITING, part="", silent=0, wrong=0, told=position.told[-1:],
        choice="", parted=False,
        waits_since=position.waits_since or scene.now, place="",
    )  # fmt: skip
    case = replace(step.case, asked="", offered=(), asked_aloud=False)
    # R1: what to do at once comes first, whole (domain levels); else a human may cut the words off
    first = case.level == Level.R1 and not position.told
    return Spoken(Step(case, step.effects), position, lines, Then.QUEUE, first=first)


def wait(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """The next words for a caller in the queue, never the same twice in a row. How many people were
    asked comes from the record (rule 22)."""
    step = Step(case)
    if position.at == At.CALLED:
        return _quiet(step, position, scene)
    if case.ended:
        return Spoken(step, with_changes(position, choice="ended"), then=Then.LEAVE)
    waited = scene.now - (position.waits_since or scene.now)
    stayed = position.parted and bool(position.told)  # on the line behind a goodbye
    if stayed or _nobody_is_asked(case, position, waited, scene):
        step = _asks_beside(case, scene, waited) if case.talking else _ask_again(case, scene)
        position = with_changes(position, parted=False)
    keys: tuple[str, ...] = (_wait_line(step.case, position, waited, around, scene),)
    first = not position.told and not position.parted
    at_once = first and step.case.level == Level.R1
    if at_once and psap_line(step.case, scene.program):
        keys = (*keys, "spoken.wait.offer_psap")  # the fastest help that can be had from here
    slow = waited >= SLOWER_AFTER
    return Spoken(
        step,
        with_changes(position, at=At.WAITING, told=(*position.told, *keys)[-40:], choice=""),
        tuple(Line(key, {"count": str(around.asked)}) for key in keys),
        Then.WAIT,
        listens=SLOWER_LINE if slow else WAIT_LINE,
    )


CALLED_WAITS = timedelta(seconds=20)  # a human who rang them is there sooner, or is gone


def _quiet(step: Step, position: Position, scene: Scene) -> Spoken:
    """Say nothing while we have called the resident and the human is about to speak; end the call
    if nobody comes."""
    if scene.now - (position.waits_since or scene.now) >= CALLED_WAITS:
        return Spoken(step, with_changes(position, at=At.OVER), then=Then.HANG_UP)
    return Spoken(step, position, then=Then.WAIT, listens=5)


UNASKED = timedelta(seconds=45)  # of waiting with nobody being asked


def _nobody_is_asked(case: Case, position: Position, waited: timedelta, scene: Scene) -> bool:
    """Does the caller wait while no clock asks anybody? Whoever has the case was rung and did not
    come, or a human has lowered the danger meanwhile; or a human speaks with another call of their
    number, and the clocks stand still."""
    paged = case.marks.get(Mark.PAGED)
    if position.parted and not position.told:  # they hear first that the other has hung up
        return False
    if case.talking:
        return not _asked_beside(case) or paged is None or scene.now - paged >= UNASKED
    if case.page_waits or waited < UNASKED:
        return False
    return paged is None or scene.now - paged >= UNASKED


def _wait_line(
    case: Case, position: Position, waited: timedelta, around: Surroundings, scene: Scene
) -> str:
    other = "spoken.wait.other_asked" if _asked_beside(case) else "spoken.wait.other_call"
    if not position.told and position.parted:
        return "spoken.wait.parted"
    if not position.told:
        return other if case.talking else "spoken.wait.start"
    asked = (
        "spoken.wait.asked_none"
        if not around.asked
        else "spoken.wait.asked_one"
        if around.asked == 1
        else "spoken.wait.asked_more"
    )
    # those who were asked before a human took the other call are not asked any more
    lines = [other if case.talking else asked, "spoken.wait.offer_988"]
    lines += ["spoken.wait.offer_callback"] if may_book(case, scene) else []
    lines += ["spoken.wait.offer_text"] if may_text(case, "end") else []
    lines += ["spoken.wait.offer_psap"] if case.in_danger and psap_line(case, scene.program) else []
    if waited >= SLOWER_AFTER and (not case.talking or _asked_beside(case)):
        lines = ["spoken.wait.nobody_yet", *lines]
        if Mark.BACKSTOP_RUNG in case.marks:
            lines = ["spoken.wait.backstop", *lines]
    last = position.told[-1]
    unheard = [line for line in lines if line not in position.told]
    if unheard:
        return unheard[0]
    heard_at = {line: place for place, line in enumerate(position.told)}
    return min((line for line in lines if line != last), key=lambda line: heard_at.get(line, -1))


def may_book(case: Case, scene: Scene) -> bool:
    """May a callback be offered? Only where calling was called safe (rule 10), and there is a
    number for it that names no program."""
    return may_call(case) and bool(scene.program.numbers.callback)


def psap_line(case: Case, program: Program) -> str:
    """The ten-digit line of the PSAP that covers the place; "" where the place is not certainly
    inside an area, or its PSAP has no line that software may dial: they dial 911 themselves (rule
    13). Who is put through is the resident's choice alone."""
    line = program.psap(case.area) if case.located == "inside" and case.area else ""
    return "" if not line or refused_number(line) else line


# what a key means while they wait; each is confirmed by 1
WAIT_KEYS = {"4": "988", "5": "callback", "6": "text", "7": "psap"}


def waiting_key(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key in the queue. Leaving takes two keys, so that nobody leaves by mistake."""
    choice = WAIT_KEYS.get(key, "") if position.at != At.CALLED else ""
    line = psap_line(case, scene.program)
    if key == "2" and position.at == At.WAITING and around.languages[1:]:  # as the greeting says
        step = in_language(case, around.languages[1])
        told = wait(step.case, position, scene, around)
        return with_changes(told, step=Step(told.step.case, (*step.effects, *told.step.effects)))
    if (key == "9" or (choice == "psap" and not line)) and position.at != At.CALLED:
        again = position.choice == "911"  # nobody hears the same line twice
        said = "spoken.say.call_988" if again else "spoken.say.call_911"
        position = with_changes(position, at=At.WAITING, choice="" if again else "911")
        return in_queue(case, position, (Line(said),))
    if not choice or not _allowed(choice, case, scene):
        return wait(case, position, scene, around)
    return _confirms(case, with_changes(position, at=At.CONFIRM, choice=choice), scene)


def in_language(case: Case, language: str) -> Step:
    """Change the language of the call, and of texts from now on."""
    record = Record(Event.LANGUAGE, {"language": language})
    return Step(replace(case, language=language), (record,))


def _allowed(choice: str, case: Case, scene: Scene) -> bool:
    if choice == "callback":
        return may_book(case, scene)
    return choice in ("988", "psap") or may_text(case, "end")


def _confirms(case: Case, position: Position, scene: Scene) -> Spoken:
    line = Line(f"spoken.wait.confirm_{position.choice}", {"number": spaced(scene)})
    return Spoken(Step(case), position, (line,), Then.WAIT, question=0, listens=FIRST_SILENCE)


def confirmed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle the key that confirms leaving the queue, 1. If it was pressed before they can have
    heard what it confirms, that is repeated instead."""
    if key != "1":
        return wait(case, with_changes(position, at=At.WAITING, choice=""), scene, around)
    if position.read_at is not None and heard.at < position.read_at:
        return _confirms(case, position, scene)
    return Spoken(Step(case), with_changes(position, at=At.LEAVING), then=Then.LEAVE)


def in_queue(case: Case, position: Position, lines: tuple[Line, ...], question: int = -1) -> Spoken:
    listens = FIRST_SILENCE if position.at == At.CONFIRM else WAIT_LINE
    return Spoken(Step(case), position, lines, Then.WAIT, question=question, listens=listens)


def left_queue(
    case: Case,
    position: Position,
    result: str,
    talked: timedelta | None,
    scene: Scene,
    beside: bool = False,
) -> Spoken:
    """Handle the end of waiting: by the caller's own choice, after a talk, or because the queue
    failed. `talked`: how long they spoke with a human, if they did. `beside`: a human speaks with
    another call of their number."""
    if position.at == At.CALLED:
        step = Step(case) if beside else talk_ended(case, scene)
        return Spoken(step, with_changes(position, at=At.OVER), then=Then.HANG_UP)
    if result == "bridged":
        return _parted(case, position, talked or timedelta(0), scene, beside)
    if case.ended:
        return closing(Step(case), position, (Line("spoken.wait.closed"),))
    if result == "leave" and position.choice in ("988", "psap"):
        return put_through(case, position, scene)
    if result == "leave" and position.choice == "callback":
        return _booked(case, position, scene)
    if result == "leave" and position.choice == "text":
        effects: Effects = (Say("phone.goes_on", unasked=True), Record(Event.GOES_ON_BY_TEXT))
        return closing(Step(case, effects), position, (Line("spoken.wait.by_text"),))
    if result == "leave" and position.choice == "ended":
        # it was closed before anybody spoke with them: they wait for a person on another case
        return to_human(asks_for_person(case, scene), with_changes(position, told=()), scene)
    if result in ("leave", "redirected"):
        return to_human(Step(case), position, scene)
    troubles = position.troubles + 1
    position = with_changes(position, troubles=troubles)
    record = Record(Event.QUEUE_FAILED, {"result": result})
    if troubles < 3:
        return to_human(Step(case, (record,)), position, scene, (Line("spoken.trouble"),))
    return Spoken(
        Step(case, (record,)),
        with_changes(position, at=At.OVER),
        (Line("spoken.trouble.end"),),
        Then.HANG_UP,
    )


def _booked(case: Case, position: Position, scene: Scene) -> Spoken:
    """Book a callback in place of waiting; people are still being asked."""
    try:
        step = book(case, "resident", scene.now + SOON, scene)
    except Refused:  # calling is not safe any more
        return to_human(Step(case), position, scene)
    minutes = str(int(SOON.total_seconds() // 60))
    words = Line("spoken.wait.booked", {"minutes": minutes, "number": spaced(scene)})
    return closing(unspoken(step), position, (words,))


def put_through(case: Case, position: Position, scene: Scene) -> Spoken:
    """Put the caller through to 988 or the PSAP, as they chose and confirmed. Afterwards the call
    comes back to us (`came_back`)."""
    # the place may be another meanwhile
    if position.choice == "psap" and not psap_line(case, scene.program):
        return to_human(Step(case), position, scene, (Line("spoken.say.call_911"),))
    step = Step(case, (Record(Event.PUT_THROUGH, {"to": position.choice}),))
    then = Then.PSAP if position.choice == "psap" else Then.COUNSELOR
    position = with_changes(position, at=At.LEAVING)
    return Spoken(step, position, (Line(f"spoken.wait.to_{position.choice}"),), then)


def came_back(case: Case, position: Position, reached: bool, scene: Scene) -> Spoken:
    """Handle the end, or failure, of the call to 988 or the PSAP: the caller is still on the line,
    and people are still being asked."""
    to = "psap" if position.choice == "psap" else "988"
    line = f"spoken.wait.after_{to}" if reached else f"spoken.wait.no_{to}"
    if case.ended:  # nobody is asked any more
        return closing(Step(case), position, (Line("spoken.wait.closed"),))
    if case.talking:
        step = _asks_beside(case, scene)
    else:
        step = Step(case) if reached or case.in_danger else asks_for_person(case, scene)
    return to_human(step, position, scene, (Line(line),))


# ---- with an interpreter -----------------------------------------------------------------------


def meets(case: Case, position: Position) -> Spoken:
    """Move the caller into a conference with the human who has taken the case and the interpreter,
    because their language has no voice here."""
    if case.ended:
        return closing(Step(case), position, (Line("spoken.wait.closed"),))
    position = with_changes(position, at=At.MEETING, choice="")
    return Spoken(Step(case), position, (Line("spoken.wait.found"),), Then.MEET)


def meeting_over(case: Case, position: Position, talked: timedelta | None, scene: Scene) -> Spoken:
    """Handle the end of the conference, or that the human never came: the caller is back in the
    queue."""
    return _parted(case, position, talked or timedelta(0), scene)


# ---- a human's phone and theirs ------------------------------------------------------------------


def _parted(
    case: Case, position: Position, talked: timedelta, scene: Scene, beside: bool = False
) -> Spoken:
    """Handle the end of a talk. A short one was cut off: somebody is asked again at once. After a
    longer one the caller is told that the other has hung up, and if they stay on the line somebody
    is asked again. `beside`: on another call of their number a human goes on speaking."""
    step = Step(case) if beside else talk_ended(case, scene)
    if step.case.ended:
        return closing(step, position, (Line("spoken.wait.closed"),))
    position = with_changes(position, waits_since=None)  # they had somebody: they wait anew
    if talked >= GOODBYE:
        waiting = to_human(step, position, scene)
        position = with_changes(waiting.position, parted=True, told=())
        return with_changes(waiting, position=position)
    again = _asks_beside(case, scene) if beside else _ask_again(step.case, scene)
    step = Step(again.case, (*step.effects, *again.effects))
    return to_human(step, position, scene, (Line("spoken.wait.cut"),))


def talk_ended(case: Case, scene: Scene) -> Step:
    """Mark a human's talk with them as ended, once. The clocks for a silent holder start now."""
    if not case.talking:
        return Step(case)
    return Step(case.marked(scene.now, Mark.TALKED, Mark.NOTED), (Record(Event.PARTED),))


def _ask_again(case: Case, scene: Scene) -> Step:
    """The human is gone and the caller is not: call whoever had them, and page the next person."""
    if not case.in_danger:
        return asks_for_person(case, scene)
    who = case.in_charge
    case, pages = asked_instead(case.marked(scene.now, Mark.LAPSED, Mark.PAGED), who, scene)
    rings = (Ring(who),) if who else ()
    return Step(*revise(case, (*rings, *pages, HandOff("line_cut"), Record(Event.LINE_CUT))))


def passed_beside(case: Case, by: str, scene: Scene) -> Step:
    """`by` cannot take the other call of the number: page the next person now."""
    return _asks_beside(case, scene, passed=by)


def other_gone(case: Case) -> Step:
    """Tell whoever has the case that another call of the number ended before anybody spoke on
    it."""
    alert = (Alert("alert.other_gone", case.in_charge),) if case.in_charge else ()
    return Step(case, alert)


def _asks_beside(
    case: Case, scene: Scene, waited: timedelta = timedelta(0), passed: str = ""
) -> Step:
    """Page the next person for this call while a human speaks with another call of the same number,
    perhaps somebody else's; and the contracted line if the ladder has nobody else, or after as long
    as rule 4 says."""
    case, pages = asked_instead(case, case.in_charge, scene, passed=passed)
    late = not pages or waited >= timedelta(seconds=scene.program.clocks.backstop)
    if late and scene.program.backstops:
        pages = (*pages, Page("danger", case.rung, case.round, backstop=True))
    if not pages:
        return Step(case)
    beside = (with_changes(each, beside=True) if isinstance(each, Page) else each for each in pages)
    return Step(case.marked(scene.now, Mark.PAGED), tuple(beside))


def _asked_beside(case: Case) -> bool:
    """Has anybody been asked since a human began to speak with another call of their number?"""
    paged, began = case.marks.get(Mark.PAGED), case.marks.get(Mark.TALKING)
    return case.talking and paged is not None and began is not None and paged >= began


def one_of_two_gone(case: Case, waits: bool, scene: Scene) -> Step:
    """Handle the end of the call on which a human spoke, while another call of the same number goes
    on. If somebody `waits` on that one, people are asked for them now."""
    ended = talk_ended(case, scene)
    if case.ended or not waits:
        return ended
    again = _ask_again(ended.case, scene)
    return Step(again.case, (*ended.effects, *again.effects))


def staff_gone(case: Case, name: str, scene: Scene) -> Step:
    """Whoever pressed 1 hung up before they were joined, and the caller waits: page the next person
    now, not when the clock `join` is due."""
    joined, accepted = case.marks.get(Mark.JOINED), case.marks.get(Mark.ACKNOWLEDGED)
    there = joined is not None and accepted is not None and joined >= accepted
    if case.ended or not case.on_line or there or case.in_charge != name or case.page_waits:
        return Step(case)
    return _ask_again(case, scene)


def asks_for_person(case: Case, scene: Scene) -> Step:
    """Ask for a human without saying so: the caller is told while they wait."""
    step = recompute(said_again(case, frozenset({Said.PERSON}), scene), scene)
    return Step(*revise(step.case, unspoken(step).effects))


# ---- the line is gone ----------------------------------------------------------------------------


def hung_up(case: Case, scene: Scene) -> Step:
    """Handle the end of the call, whoever ended it (rules 5 and 24). Before any answer it is only
    kept in the ledger, and nobody calls back; after an answer a human gets a task; after a sign of
    danger people are paged."""
    if not case.on_line:
        return Step(case)
    talked = talk_ended(case, scene)
    case = talked.case.marked(scene.now, Mark.OFF_LINE)
    case = replace(case, asked="", offered=(), asked_aloud=False) if case.asked_aloud else case
    effects: Effects = (*talked.effects, Record(Event.CALL_ENDED))
    if case.ended:
        return Step(case, effects)
    if case.in_danger:
        alert: Effects = (Alert("alert.hung_up", case.in_charge),) if case.in_charge else ()
        if talked.effects and case.page_waits:  # given back while they spoke: others are asked now
            case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), "", scene)
            alert = (*alert, *pages)
        return Step(*revise(case, (*effects, *alert, HandOff("hung_up"))))
    if case.status != Status.SCREENING:
        return Step(*revise(case, effects))
    if case.danger_sign:
        step = recompute(said_again(case, frozenset({Said.SILENT_DANGER}), scene), scene)
        return Step(*revise(step.case, (*effects, *unspoken(step).effects)))
    if not case.answers and not case.narrative:
        if Said.WRITES_OFTEN not in case.said:
            closed = end(case, Status.CLOSED, Outcome.NO_REQUEST, scene.now)
            return Step(closed, effects)
        case = case.marked(scene.now, Mark.REVIEW)
    step = recompute(said_again(case, frozenset({Said.HUNG_UP}), scene), scene)
    return Step(*revise(step.case, (*effects, *unspoken(step).effects)))
