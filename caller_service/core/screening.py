"""One turn: what a text changes, what is asked next, what must happen (domain.md section 2).

`advance` is the whole of it: read -> apply -> recompute the level -> page if danger is new -> ask on, or route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from . import hand_off
from .case import Case, Status, Step, move
from .disposition import reconsider
from .effect import Ask, Effect, HandOff, OptIn, OptOut, Page, Record, Say
from .protocol import SKIPPED, UNREADABLE, Protocol, Question, Rule
from .reply import Answer, Command, Danger, Nothing, PlaceGiven, Reading, Story
from .routing import Route, Scene, route, team_working
from .safe_contact import gated, may_hear_status, may_text, status_key, touchy
from .service_area import locate

LONGEST_NARRATIVE = 20  # texts kept for the team; all of them stay in the ledger of messages


def variant(case: Case) -> str:
    """How a question speaks of the person who needs help: me, they, or "the person" while that is unclear."""
    who = case.answers.get("who")
    return "me" if who in ("me", "me_minor") else "they" if who in ("adult", "child") else "person"


def ask(protocol: Protocol, case: Case, unasked: bool = False) -> Ask:
    """The question a case stands at, worded and with the choices this person can use."""
    question = protocol.question(case.asked)
    choices = tuple(choice.code for choice in question.offered(case.facts()))
    return Ask(question.id, variant(case) if question.by_who else "", choices, unasked)


def next_question(protocol: Protocol, case: Case) -> Question | None:
    """What is asked next: a function of protocol and answers. Once a human is paged only contact and where are left."""
    for name in case.again:
        return protocol.question(name)
    facts = case.facts()
    for question in protocol.questions:
        if question.follow_up or question.id in case.answers or (case.in_danger and not question.in_danger):
            continue
        if question.when.holds(facts):
            return question
    return None


def seen_question(protocol: Protocol, case: Case, heard: datetime) -> Question | None:
    """The question the sender had before them; None if it was asked after they wrote."""
    if not case.asked or heard < case.marks.get("asked", heard):
        return None
    return protocol.question(case.asked)


def greet(case: Case, scene: Scene) -> tuple[Effect, ...]:
    """The preamble, said before question 1, and that no team is working if none is."""
    words: list[Effect] = [Say("preamble")]
    if not team_working(scene):
        words.append(Say("preamble.no_team"))
    if len(scene.program.languages) > 1:
        words.append(Say("language.hint"))
    return tuple(words)


ALONE = frozenset({"stop", "start", "help"})  # answered without a preamble in front and a question behind
NO_REQUEST = frozenset({"status", "cancel", "quiet", "code"})  # these ask for nothing when nothing is open


def advance(case: Case, reading: Reading, said: str, scene: Scene, heard: datetime) -> Step:
    """One text of the resident, read. `heard` is when it reached us; `scene.now` when it is decided."""
    first = not case.marks
    command = reading.reply.name if isinstance(reading.reply, Command) else ""
    case = replace(case, said=case.said | reading.markers).marked(heard=heard).unmarked("asked_again")
    case = case.marked(opened=heard) if first else case
    if first and command in NO_REQUEST:
        return _nothing_open(Step(case, (Say("status.none"),)), scene)
    step = _apply(case, reading, said, scene, heard)
    if command in ALONE:
        step = _nothing_open(step, scene) if first else Step(*hand_off.revise(step.case, step.effects))
        return Step(step.case, gated(step.case, step.effects)[0])
    step = conclude(step.case, step.effects, scene, urgent=_urgent(reading))
    if "truth_owed" in step.case.marks and step.case.page_waits:  # held back at 180 s; a reply may tell it
        step = Step(step.case.unmarked("truth_owed"), (Say("truth.nobody_yet"), *step.effects))
    effects = _with_preamble(step.effects, greet(step.case, scene)) if first else step.effects
    return Step(step.case, gated(step.case, effects)[0])


def _nothing_open(step: Step, scene: Scene) -> Step:
    """No request began: the case exists so that the ledger is whole, and ends at once."""
    return Step(replace(move(step.case, Status.CLOSED, scene.now), outcome="no_request"), step.effects)


def _with_preamble(effects: tuple[Effect, ...], preamble: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Before question 1, but behind what to do when a life is in danger."""
    at = next((place for place, effect in enumerate(effects) if isinstance(effect, Ask)), len(effects))
    return effects[:at] + preamble + effects[at:]


def conclude(case: Case, effects: tuple[Effect, ...], scene: Scene, urgent: bool = False) -> Step:
    """After anything changed: recompute the level, page what is newly dangerous, and ask on or route."""
    step = recompute(case, scene, urgent)
    case, effects = step.case, effects + step.effects
    if not case.ended:
        step = _ask_on(case, scene)
        case, effects = step.case, effects + step.effects
    return Step(*hand_off.revise(case, effects))


def recompute(case: Case, scene: Scene, urgent: bool = False) -> Step:
    """The level on today's truth; a danger that is new, or said again, pages a human at once."""
    case, new = reconsider(scene.program.protocol, case)
    danger = tuple(rule for rule in new if rule.level is not None)
    if not case.ended and (danger or (urgent and case.in_danger)):
        return page(case, danger, scene)
    spoken = tuple(Say(rule.say) for rule in new[:1] if rule.say)
    if spoken and not case.ended:  # "A person here will read this": from now on the review clock holds us to it
        return Step(case.marked(review=scene.now), (*spoken, HandOff("review")))
    return Step(case, spoken)


def _ask_on(case: Case, scene: Scene) -> Step:
    """The next question, the same one again, or the end of the row."""
    protocol = scene.program.protocol
    if case.asked and protocol.question(case.asked).follow_up:
        return _put(case, protocol.question(case.asked), scene)
    over = not case.asked and case.status != Status.SCREENING and "asked" in case.marks
    question = None if over else next_question(protocol, case)
    if question is not None:
        return _put(case, question, scene)
    if not case.asked:
        return Step(case)
    case = replace(case, asked="", unreadable=0)
    return Step(case, (Say("end.human"),)) if case.in_danger else settle(case, scene)


def _put(case: Case, question: Question, scene: Scene) -> Step:
    """Ask a question, new or once more. The same question keeps its count of unreadable replies."""
    if question.id != case.asked:
        case = replace(case, asked=question.id, unreadable=0)
    case = case.marked(asked=scene.now)
    return Step(case, (ask(scene.program.protocol, case),))


def page(case: Case, danger: tuple[Rule, ...], scene: Scene) -> Step:
    """A human is needed now: said to the resident, handed off, and the first rung paged at once.

    While people are already being paged and nobody has accepted, a further reason joins the same queue and clocks.
    """
    words = tuple(Say(rule.say) for rule in danger[:1] if rule.say)
    waiting = case.page_waits
    case = replace(case, response=case.response or "human")  # a team that was chosen stays chosen
    if case.status == Status.SCREENING:
        case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    told = HandOff("danger")
    if waiting:
        return Step(case, (*words, told))
    case = replace(case, round=case.round + 1, rung=0).marked(paged=scene.now, first_paged=scene.now).unmarked("truth", "truth_owed")
    return Step(case, (*words, Page("danger", 0, case.round), told))


def settle(case: Case, scene: Scene) -> Step:
    """The row of questions is done: carry out what the resident chose, or the honest next step."""
    want = case.answers.get("want", SKIPPED)
    if want == "team":
        way = route(case, scene)
        return _blocked(case, way, scene) if way.blocked else _to_team(case, way, scene)
    if want in ("counselor", SKIPPED, UNREADABLE):
        return _to_counselor(case, scene)
    if want == "information":
        return _done_or_reviewed(replace(case, response="information"), "information", Say("end.information"), scene)
    return _caller_calls_911(replace(case, response="call_911"), scene)


def _to_team(case: Case, way: Route, scene: Scene) -> Step:
    case = replace(case, response="team", team=way.team.id if way.team else "", interpreter=way.interpreter, unserved="")
    words = "end.team_place" if case.located != "inside" else "end.team"
    return _handed_off(case, scene, Say(words), *_reach(case))


def _to_counselor(case: Case, scene: Scene) -> Step:
    if case.answers.get("contact") in ("unsafe", "unwanted", None):
        case = replace(case, response="counselor", unserved="unsafe_to_contact")
        return _done_or_reviewed(case, "unserved", Say("end.counselor_unsafe"), scene)
    return _handed_off(replace(case, response="counselor"), scene, Say("end.counselor"))


def _blocked(case: Case, way: Route, scene: Scene) -> Step:
    """No team can come: say why, then what the resident chose for that."""
    case = replace(case, response="team", unserved=way.blocked)
    why: tuple[Effect, ...] = (Say(f"blocked.{way.blocked}"), Record("blocked", {"reason": way.blocked}))
    chosen = case.answers.get("if_none", SKIPPED)
    if chosen == "counselor":
        step = _to_counselor(case, scene)
    elif chosen == "call_988":
        step = _done_or_reviewed(case, "unserved", Say("contingency.988"), scene)
    elif chosen == "call_911":
        step = _caller_calls_911(case, scene)
    else:  # wait; no answer: wait, and a human (rule 12)
        step = _handed_off(replace(case, review=True), scene, Say("contingency.wait"), *_reach(case))
    return Step(step.case, why + step.effects)


def _caller_calls_911(case: Case, scene: Scene) -> Step:
    """The words at once, no level changed; we ask later whether they got through (rule 11)."""
    case = move(case, Status.OPEN, scene.now).marked(told_911=scene.now)
    return _reviewed(case, scene, Say("say.call_911"))


def _reach(case: Case) -> tuple[Say, ...]:
    """How the resident will hear from us, by what they called safe."""
    contact = case.answers.get("contact", SKIPPED)
    if may_text(case, "end"):
        return (Say("reach.text"),)
    return (Say("reach.call" if contact == "call" else "reach.reply_only"),)


def _handed_off(case: Case, scene: Scene, *words: Say) -> Step:
    case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    if case.review:
        case = case.marked(review=scene.now)
    return Step(case, (*words, HandOff("screened")))


def _done_or_reviewed(case: Case, outcome: str, words: Say, scene: Scene) -> Step:
    """Finished here, unless a doubt asks for a human's look first."""
    if case.review:
        return _handed_off(case, scene, words)
    return Step(replace(move(case, Status.CLOSED, scene.now), outcome=outcome), (words,))


def _reviewed(case: Case, scene: Scene, words: Say) -> Step:
    return _handed_off(case, scene, words) if case.review else Step(case, (words,))


# ---- applying one reply ---------------------------------------------------------------------------------------------


def _apply(case: Case, reading: Reading, said: str, scene: Scene, heard: datetime) -> Step:
    protocol, reply = scene.program.protocol, reading.reply
    if isinstance(reply, Command):
        return COMMANDS[reply.name](case, reply, reading, scene)
    question = seen_question(protocol, case, heard)
    if isinstance(reply, Danger):
        return _danger(_told(case, said), reply, protocol)
    if isinstance(reply, Answer) and question is not None:
        return _answer(case, question, reply.choice, scene, heard)
    if isinstance(reply, PlaceGiven) and question is not None:
        return _place(case, question, reply.text, scene)
    return _unread(case, reply, said, question, scene, heard)


def _told(case: Case, said: str) -> Case:
    return replace(case, narrative=(*case.narrative, said.strip())[-LONGEST_NARRATIVE:])


def _danger(case: Case, reply: Danger, protocol: Protocol) -> Step:
    """Life danger in free text: what to do, at once; a human; and `health` asked again (rule 7)."""
    answers = {name: answer for name, answer in case.answers.items() if name != "health"}
    again = ("health", *(name for name in case.again if name != "health"))
    words = tuple(Say(key) for key in dict.fromkeys(key for kind, key in protocol.dangers.items() if kind in reply.kinds))
    return Step(replace(case, said=case.said | set(reply.kinds), answers=answers, again=again, asked=case.asked or "health"), words[:2])


def _answer(case: Case, question: Question, choice: str, scene: Scene, heard: datetime) -> Step:
    too_fast = heard.timestamp() - case.marks["asked"].timestamp() < scene.program.clocks.read
    if question.safety and choice == "no" and too_fast:
        return Step(case, (Say("too_fast"), Record("too_fast", {"question": question.id})))
    return _answered(case, question, choice, scene)


def _answered(case: Case, question: Question, choice: str, scene: Scene) -> Step:
    """Keep an answer. An answer once given to a safety question is not lowered by a later one: its reasons stay."""
    again = tuple(name for name in case.again if name != question.id)
    case = replace(case, answers={**case.answers, question.id: choice}, again=again, unreadable=0)
    if question.follow_up:
        return FOLLOW_UPS[question.id](replace(case, asked=""), choice, scene)
    if question.kind == "place":
        case = replace(case, located="skipped")
    return Step(case, (Record("answered", {"question": question.id, "choice": choice}),))


def _place(case: Case, question: Question, text: str, scene: Scene) -> Step:
    there = locate(text, scene.program, scene.local.date())
    again = tuple(name for name in case.again if name != question.id)
    case = replace(case, place=text, located=there.kind, area=there.area, point=there.point, again=again, unreadable=0)
    return Step(
        replace(case, answers={**case.answers, question.id: "given"}), (Record("placed", {"located": there.kind, "area": there.area}),)
    )


def _unread(case: Case, reply: object, said: str, question: Question | None, scene: Scene, heard: datetime) -> Step:
    """Words that answer nothing. They are kept; the third in a row on one question is itself an answer: doubt."""
    if isinstance(reply, Story) or (not case.asked and "asked" in case.marks and not isinstance(reply, Nothing)):
        case = _told(case, said)
    if not case.asked:
        return Step(case, () if case.human_has_it and case.in_danger else _passed_on(case, reply))
    if question is None:
        return Step(case, ())  # written before the question was seen: keep it, put the question
    early = heard.timestamp() - case.marks["asked"].timestamp() < scene.program.clocks.read
    if early and isinstance(reply, Story):
        return Step(case, (Say("thanks_story"),))
    case = replace(case, unreadable=case.unreadable + 1)
    if case.unreadable >= scene.program.protocol.unreadable_limit:
        return _answered(case, question, UNREADABLE, scene)
    words = "unclear.media" if isinstance(reply, Nothing) else "thanks_story" if isinstance(reply, Story) else "unclear"
    return Step(case, (Say(words),))


def _passed_on(case: Case, reply: object) -> tuple[Effect, ...]:
    if not case.marks.get("asked"):  # the first words of all: the preamble and question 1 answer them
        return ()
    return (Say("unclear.media" if isinstance(reply, Nothing) else "passed_on"),)


# ---- commands, heard at every question ------------------------------------------------------------------------------


def _urgent(reading: Reading) -> bool:
    """Said again, these page again even when nothing about them is new."""
    reply = reading.reply
    return isinstance(reply, Danger) or (isinstance(reply, Command) and reply.name in ("worse", "person", "watched"))


def _stop(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    case = replace(case, cannot_text="stopped")
    told: tuple[Effect, ...] = (OptOut(), Say("stop.confirmed"), Record("opted_out"))
    return Step(case, told)


def _start(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    step = Step(replace(case, cannot_text=""), (OptIn(), Say("start.confirmed"), Record("opted_in")))
    if case.asked:
        return step.then(ask(scene.program.protocol, case))
    return step


def _help(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(case, (Say("help"),))


def _raise(word: str) -> Callable[[Case, Command, Reading, Scene], Step]:
    def raised(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
        before = word in case.said
        return Step(replace(case, said=case.said | {word}), (Say("again.human"),) if before and word != "watched" else ())

    return raised


def _emergency(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(case.marked(told_911=scene.now), (Say("say.call_911"), Record("wants_911")))


def _language(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if reply.of not in scene.program.languages:
        return Step(case, (Say("language.not_here"),))
    again = greet(case, scene) if not case.answers and "asked" in case.marks else ()
    return Step(replace(case, language=reply.of), (Say("language.changed"), *again, Record("language", {"language": reply.of})))


def _status(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if not may_hear_status(case, reading.verified):
        return Step(case, (Say("status.received_only"),))
    return Step(case, (Say(status_key(case)),))


def _cancel(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Danger, violence and argument are cancelled by a human only: help goes on (rule 10)."""
    if touchy(case) or not may_hear_status(case, reading.verified):
        case = replace(case, said=case.said | {"asked_to_cancel"})
        return Step(case, (Say("cancel.human"), Record("asked_to_cancel")) + ((HandOff("asked_to_cancel"),) if case.revision else ()))
    stood_down = (HandOff("cancelled"),) if case.revision else ()
    case = replace(move(case, Status.CANCELLED, scene.now), outcome="cancelled", unserved="cancelled", asked="")
    return Step(case, (Say("cancel.done"), Record("cancelled"), *stood_down))


def _quiet(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(replace(case, quiet=True), (Say("quiet.confirmed"), Record("quiet")))


def _code(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if case.code_word and not reading.verified:
        return Step(case, (Say("status.received_only"),))
    return Step(replace(case, code_word=reply.of), (Say("code.kept"), Record("code_word_set")))


COMMANDS: Mapping[str, Callable[[Case, Command, Reading, Scene], Step]] = {
    "stop": _stop,
    "start": _start,
    "help": _help,
    "person": _raise("person"),
    "worse": _raise("worse"),
    "watched": _raise("watched"),
    "emergency": _emergency,
    "language": _language,
    "status": _status,
    "cancel": _cancel,
    "quiet": _quiet,
    "code": _code,
}


# ---- follow-up questions --------------------------------------------------------------------------------------------


def _reached(case: Case, choice: str, scene: Scene) -> Step:
    """ "Did you reach 911?" Yes ends the case; anything else brings a human (the rule did_not_reach_911)."""
    if choice != "yes" or case.revision:
        return Step(case, (Say("reached.yes"),) if choice == "yes" else ())
    return Step(replace(move(case, Status.CLOSED, scene.now), outcome="transferred_to_911", unserved=""), (Say("reached.yes"),))


def _still(case: Case, choice: str, scene: Scene) -> Step:
    """The contingency, checked again before it is carried out; anything but yes: wait, plus a human (rule 12)."""
    chosen = case.answers.get("if_none")
    if choice != "yes" or chosen in (None, "wait", SKIPPED, UNREADABLE):
        return Step(replace(case, said=case.said | {"person"}), ())
    if chosen == "counselor":
        return Step(replace(case, response="counselor", team=""), (Say("end.counselor"), HandOff("contingency")))
    if chosen == "call_911":
        return Step(case.marked(told_911=scene.now), (Say("say.call_911"),))
    ended = replace(move(case, Status.CLOSED, scene.now), outcome="unserved", unserved=case.unserved or "no_capacity")
    return Step(ended, (Say("contingency.988"), HandOff("closed")))


FOLLOW_UPS: Mapping[str, Callable[[Case, str, Scene], Step]] = {"reached": _reached, "if_none_still": _still}
