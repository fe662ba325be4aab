"""Ends a screening: carries out what the resident chose, or says honestly what happens instead
(docs/safety-rules.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .case import Case, Status, Step, move, replace
from .effect import Effect, HandOff, Record, Say
from .journal_events import Event
from .ledger import end
from .marks import Mark
from .outcome import Outcome, Unserved
from .protocol import SKIPPED, UNREADABLE
from .questions import contingency_key
from .reach import ContactAnswer
from .routing import Route, Scene, route
from .safe_contact import by_phone, may_call, may_text, sensitive
from .said import Said
from .turn_steps import READ_LINES, next_line
from .vocabulary import normal

MOST_NEIGHBOURS = 3  # neighbouring lines listed for somebody outside who named none


def settle(case: Case, scene: Scene) -> Step:
    """All questions are answered: carry out what the resident chose, or say what happens
    instead."""
    want = case.answers.get("want", SKIPPED)
    if want == "team":
        way = route(case, scene)
        return _blocked(case, way, scene) if way.blocked else _to_team(case, way, scene)
    if want in ("counselor", SKIPPED, UNREADABLE):
        return _to_counselor(case, scene)
    if want == "information":
        return _close_or_review(
            replace(case, response="information"),
            Outcome.INFORMATION,
            Say("end.information"),
            scene,
        )
    return _caller_calls_911(replace(case, response="call_911"), scene)


def _to_team(case: Case, way: Route, scene: Scene) -> Step:
    case = replace(
        case,
        response="team",
        team=way.team.id if way.team else "",
        interpreter=way.interpreter or bool(case.unread_language),
        unserved="",
    )
    words = "end.team_place" if case.located != "inside" else "end.team"
    return _hand_off(case, scene, Say(words), *_reach(case))


def _to_counselor(case: Case, scene: Scene) -> Step:
    contact = case.answers.get("contact")
    if contact in (ContactAnswer.UNSAFE, ContactAnswer.UNWANTED, None):
        case = replace(
            case,
            response="counselor",
            unserved=Unserved.UNWANTED
            if contact == ContactAnswer.UNWANTED
            else Unserved.UNSAFE_TO_CONTACT,
        )
        return _close_or_review(case, Outcome.UNSERVED, Say("end.counselor_unsafe"), scene)
    return _hand_off(replace(case, response="counselor"), scene, Say("end.counselor"))


def _blocked(case: Case, way: Route, scene: Scene) -> Step:
    """No team can come: say why at once and ask what they want instead. Until they answer, they
    wait and a human reviews the case (rules 12 and 16)."""
    case = replace(case, response="team", unserved=way.blocked, review=True)
    why: tuple[Effect, ...] = (Record(Event.BLOCKED, {"reason": way.blocked}),)
    if way.blocked != Unserved.OUT_OF_AREA:
        why = (Say(f"blocked.{way.blocked}"), *why)
    elif Mark.AREA_TOLD not in case.marks:
        why = (*outside_words(case, scene), *why)
    step = _hand_off(case, scene, Say("contingency.wait"))
    return Step(step.case, why + step.effects)


def outside_words(case: Case, scene: Scene) -> tuple[Say, ...]:
    """No team goes to their place, and who else may (rules 13 and 16)."""
    lines = neighbours(case, scene)
    named = (Say("blocked.neighbour", {"name": name, "number": number}) for name, number in lines)
    return (Say(f"blocked.{Unserved.OUT_OF_AREA}"), *named)


def neighbours(case: Case, scene: Scene) -> tuple[tuple[str, str], ...]:
    """The neighbouring lines whose place they named; the first MOST_NEIGHBOURS if they named none
    (rule 13)."""
    known = scene.program.numbers.neighbours
    words = normal(case.place)
    named = tuple(
        (name, number) for name, number in known.items() if set(normal(name)) <= set(words)
    )
    return named or tuple(known.items())[:MOST_NEIGHBOURS]


def _caller_calls_911(case: Case, scene: Scene) -> Step:
    """Tell them to call 911, at once and without a level change; their next text is asked whether
    they got through (rule 11)."""
    case = (move(case, Status.OPEN, scene.now) if case.status == Status.SCREENING else case).marked(
        scene.now, Mark.TOLD_911
    )
    return _review_if_needed(case, scene, Say("say.call_911"))


def _reach(case: Case) -> tuple[Say, ...]:
    """Say how we will contact the resident, by what they called safe."""
    contact = case.answers.get("contact", SKIPPED)
    if by_phone(case, "end"):
        return (Say("reach.text"),)
    if case.on_web:
        return (Say("reach.page"),)
    return (
        Say(
            "reach.call" if contact == ContactAnswer.CALL and may_call(case) else "reach.reply_only"
        ),
    )


def _hand_off(case: Case, scene: Scene, *words: Say) -> Step:
    if case.status == Status.SCREENING:
        case = move(case, Status.OPEN, scene.now)
    if not case.human_has_it:  # somebody may have accepted it while questions were open
        case = move(case, Status.HANDED_OFF, scene.now)
    if case.review:
        case = case.marked(scene.now, Mark.REVIEW)
    return Step(case, (*words, HandOff("screened")))


def _close_or_review(case: Case, outcome: str, words: Say, scene: Scene) -> Step:
    """Close the case, unless a doubt needs a human review first."""
    if case.review or case.human_has_it:
        return _hand_off(case, scene, words)
    return Step(end(case, Status.CLOSED, outcome, scene.now, case.unserved), (words,))


def _review_if_needed(case: Case, scene: Scene, words: Say) -> Step:
    return _hand_off(case, scene, words) if case.review else Step(case, (words,))


def choice_of(case: Case, choice: str) -> str:
    """The catalog key that names their choice back to them (rule 12)."""
    return f"={contingency_key(case, choice)}"


# ---- follow-up questions -------------------------------------------------------------------------


def _check(case: Case, choice: str, scene: Scene) -> Step:
    """ "Is anyone hurt or in danger now?" A no closes nothing; a yes or a doubt pages a human (the
    rule check)."""
    record = Record(Event.ANSWERED, {"question": "check", "choice": choice})
    if choice != "no":
        return Step(case, (record,))
    case, words = next_line(case, READ_LINES)  # never the line that stood above the question
    return Step(case, (words, record))


def _voicemail(case: Case, choice: str, scene: Scene) -> Step:
    return Step(
        case,
        (
            Say("thanks.noted"),
            Record(Event.ANSWERED, {"question": "voicemail", "choice": choice}),
        ),
    )


def _reached(case: Case, choice: str, scene: Scene) -> Step:
    """ "Did you get through to 911?" Yes ends the case; anything else pages a human (the rule
    did_not_reach_911)."""
    if choice != "yes" or case.revision or case.review:
        return Step(case, (Say("reached.yes"),) if choice == "yes" else ())
    return Step(
        end(case, Status.CLOSED, Outcome.TRANSFERRED_TO_911, scene.now), (Say("reached.yes"),)
    )


def _contingency_confirmed(case: Case, choice: str, scene: Scene) -> Step:
    """Carry out the contingency only after a second yes; anything else means wait, and a human is
    asked for (rule 12)."""
    chosen = case.answers.get("if_none")
    if choice != "yes" or chosen in (None, "wait", SKIPPED, UNREADABLE):
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    if case.status == Status.ARRIVED:
        return Step(case, (Say("contingency.kept", {"choice": choice_of(case, chosen)}),))
    return _carry_out_contingency(case, chosen, scene)


def _contingency_chosen(case: Case, choice: str, scene: Scene) -> Step:
    """Store what to do if no team is free, and do it now if none is. A team that is coming is not
    called back."""
    if choice in (SKIPPED, UNREADABLE) and Mark.LADDER_ENDED in case.marks:
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    if choice in (SKIPPED, UNREADABLE):  # no answer: wait, and a human reviews it (rule 12)
        return Step(
            replace(case, review=True).marked(scene.now, Mark.REVIEW), (Say("contingency.wait"),)
        )
    record = Record(Event.ANSWERED, {"question": "if_none", "choice": choice})
    if choice == "wait":
        return Step(case, (record, Say("contingency.wait")))
    if case.human_has_it or not (Mark.LADDER_ENDED in case.marks or case.unserved):
        return Step(case, (record, Say("contingency.kept", {"choice": choice_of(case, choice)})))
    step = _carry_out_contingency(case, choice, scene)
    return Step(step.case, (record, *step.effects))


def _carry_out_contingency(case: Case, chosen: str, scene: Scene) -> Step:
    """Do what the resident chose, and confirmed, for when no team is free."""
    if chosen == "counselor":
        return _counselor_instead(case, scene)
    if chosen == "call_911":
        return Step(case.marked(scene.now, Mark.TOLD_911), (Say("say.call_911"),))
    if case.review or sensitive(case) or case.code_word or case.human_has_it:
        # An unreviewed doubt, or a phone that may be in other hands: say the words and let a human
        # close it.
        return Step(
            replace(case, review=True).marked(scene.now, Mark.REVIEW),
            (Say("contingency.988"), HandOff("contingency")),
        )
    ended = end(
        case, Status.CLOSED, Outcome.UNSERVED, scene.now, case.unserved or Unserved.NO_CAPACITY
    )
    return Step(ended, (Say("contingency.988"), HandOff("closed")))


def _counselor_instead(case: Case, scene: Scene) -> Step:
    """Replace the team by a counselor: the hand-off starts again with its own clocks and ladder."""
    if not (may_text(case, "end") or may_call(case)):
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    restarted = replace(
        case, response="counselor", team="", accepted_by="", status=Status.HANDED_OFF
    )
    restarted = restarted.unmarked(
        Mark.ACKNOWLEDGED,
        Mark.ACCEPTED,
        Mark.ASSIGNED,
        Mark.EN_ROUTE,
        Mark.PROMISED,
        Mark.UNPICKED,
        Mark.UNPICKED_TOLD,
        Mark.LADDER_ENDED,
    ).marked(scene.now, Mark.HANDED_OFF)
    return Step(restarted, (Say("end.counselor"), HandOff("contingency")))


FOLLOW_UPS: Mapping[str, Callable[[Case, str, Scene], Step]] = {
    "check": _check,
    "voicemail": _voicemail,
    "reached": _reached,
    "if_none_still": _contingency_confirmed,
    "if_none": _contingency_chosen,
}
