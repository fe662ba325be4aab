"""How a screening ends: what the resident chose is carried out, or the honest next step
(docs/safety-rules.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .case import Case, Status, Step, move, replace
from .effect import Effect, HandOff, Record, Say
from .ledger import end
from .marks import Mark
from .outcome import Outcome, Unserved
from .protocol import SKIPPED, UNREADABLE, choice_key
from .questions import deaf_words
from .reach import ContactAnswer
from .routing import Route, Scene, route
from .safe_contact import may_call, may_text, sensitive
from .said import Said
from .vocabulary import normal

MOST_NEIGHBOURS = 3  # lines of neighbours that are told to somebody outside who named none


def settle(case: Case, scene: Scene) -> Step:
    """The row of questions is done: carry out what the resident chose, or the honest next step."""
    want = case.answers.get("want", SKIPPED)
    if want == "team":
        way = route(case, scene)
        return _blocked(case, way, scene) if way.blocked else _to_team(case, way, scene)
    if want in ("counselor", SKIPPED, UNREADABLE):
        return _to_counselor(case, scene)
    if want == "information":
        return _done_or_reviewed(
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
        interpreter=way.interpreter,
        unserved="",
    )
    words = "end.team_place" if case.located != "inside" else "end.team"
    return _handed_off(case, scene, Say(words), *_reach(case))


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
        return _done_or_reviewed(case, Outcome.UNSERVED, Say("end.counselor_unsafe"), scene)
    return _handed_off(replace(case, response="counselor"), scene, Say("end.counselor"))


def _blocked(case: Case, way: Route, scene: Scene) -> Step:
    """No team can come: say why, at once, and ask what they want instead. Until they say, they
    wait, and a human looks at it (rules 12 and 16)."""
    case = replace(case, response="team", unserved=way.blocked, review=True)
    why: tuple[Effect, ...] = (
        Say(f"blocked.{way.blocked}"),
        Record("blocked", {"reason": way.blocked}),
    )
    if way.blocked == Unserved.OUT_OF_AREA:
        why += tuple(
            Say("blocked.neighbour", {"name": name, "number": number})
            for name, number in neighbours(case, scene)
        )
    step = _handed_off(case, scene, Say("contingency.wait"))
    return Step(step.case, why + step.effects)


def neighbours(case: Case, scene: Scene) -> tuple[tuple[str, str], ...]:
    """The lines of the places outside that they named; all of them, if they named none (rule
    13)."""
    known = scene.program.numbers.neighbours
    words = normal(case.place)
    named = tuple(
        (name, number) for name, number in known.items() if set(normal(name)) <= set(words)
    )
    return named or tuple(known.items())[:MOST_NEIGHBOURS]


def _caller_calls_911(case: Case, scene: Scene) -> Step:
    """The words at once, no level changed; a later text of theirs is asked whether they got through
    (rule 11)."""
    case = (move(case, Status.OPEN, scene.now) if case.status == Status.SCREENING else case).marked(
        scene.now, Mark.TOLD_911
    )
    return _reviewed(case, scene, Say("say.call_911"))


def _reach(case: Case) -> tuple[Say, ...]:
    """How the resident will hear from us, by what they called safe."""
    contact = case.answers.get("contact", SKIPPED)
    if may_text(case, "end"):
        return (Say("reach.text"),)
    return (
        Say(
            "reach.call" if contact == ContactAnswer.CALL and may_call(case) else "reach.reply_only"
        ),
    )


def _handed_off(case: Case, scene: Scene, *words: Say) -> Step:
    if case.status == Status.SCREENING:
        case = move(case, Status.OPEN, scene.now)
    if not case.human_has_it:  # somebody may have taken it while questions were still open
        case = move(case, Status.HANDED_OFF, scene.now)
    if case.review:
        case = case.marked(scene.now, Mark.REVIEW)
    return Step(case, (*words, HandOff("screened")))


def _done_or_reviewed(case: Case, outcome: str, words: Say, scene: Scene) -> Step:
    """Finished here, unless a doubt asks for a human's look first."""
    if case.review or case.human_has_it:
        return _handed_off(case, scene, words)
    return Step(end(case, Status.CLOSED, outcome, scene.now, case.unserved), (words,))


def _reviewed(case: Case, scene: Scene, words: Say) -> Step:
    return _handed_off(case, scene, words) if case.review else Step(case, (words,))


def choice_of(case: Case, choice: str) -> str:
    """What was chosen, said back by name: a key of the catalog, which the wording fills in (rule
    12)."""
    return f"={choice_key('if_none', choice)}{'.deaf' if deaf_words(case, choice) else ''}"


# ---- follow-up questions -------------------------------------------------------------------------


def _check(case: Case, choice: str, scene: Scene) -> Step:
    """ "Is anyone hurt or in danger now?" A no closes nothing; a yes or a doubt brings a human (the
    rule check)."""
    kept = Record("answered", {"question": "check", "choice": choice})
    return Step(case, (Say("heard.one"), kept) if choice == "no" else (kept,))


def _voicemail(case: Case, choice: str, scene: Scene) -> Step:
    return Step(
        case, (Say("thanks.open"), Record("answered", {"question": "voicemail", "choice": choice}))
    )


def _reached(case: Case, choice: str, scene: Scene) -> Step:
    """ "Did you get through to 911?" Yes ends the case; anything else brings a human (the rule
    did_not_reach_911)."""
    if choice != "yes" or case.revision or case.review:
        return Step(case, (Say("reached.yes"),) if choice == "yes" else ())
    return Step(
        end(case, Status.CLOSED, Outcome.TRANSFERRED_TO_911, scene.now), (Say("reached.yes"),)
    )


def _still(case: Case, choice: str, scene: Scene) -> Step:
    """The contingency, checked again before it is carried out; anything but yes: wait, plus a human
    (rule 12)."""
    chosen = case.answers.get("if_none")
    if choice != "yes" or chosen in (None, "wait", SKIPPED, UNREADABLE):
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    if case.status == Status.ARRIVED:
        return Step(case, (Say("contingency.kept", {"choice": choice_of(case, chosen)}),))
    return _carried_out(case, chosen, scene)


def _chosen(case: Case, choice: str, scene: Scene) -> Step:
    """They chose what to do if no team is free. If none is, it is done now; a team that comes is
    not called back."""
    if choice in (SKIPPED, UNREADABLE) and Mark.LADDER_ENDED in case.marks:
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    if choice in (SKIPPED, UNREADABLE):  # no answer: wait, and a human looks at it (rule 12)
        return Step(
            replace(case, review=True).marked(scene.now, Mark.REVIEW), (Say("contingency.wait"),)
        )
    kept = Record("answered", {"question": "if_none", "choice": choice})
    if choice == "wait":
        return Step(case, (kept, Say("contingency.wait")))
    if case.human_has_it or not (Mark.LADDER_ENDED in case.marks or case.unserved):
        return Step(case, (kept, Say("contingency.kept", {"choice": choice_of(case, choice)})))
    step = _carried_out(case, choice, scene)
    return Step(step.case, (kept, *step.effects))


def _carried_out(case: Case, chosen: str, scene: Scene) -> Step:
    """Do what the resident chose, and has just said again, for when no team is free."""
    if chosen == "counselor":
        return _counselor_instead(case, scene)
    if chosen == "call_911":
        return Step(case.marked(scene.now, Mark.TOLD_911), (Say("say.call_911"),))
    if case.review or sensitive(case) or case.code_word or case.human_has_it:
        # A doubt that no human has looked at, or a phone that may be in other hands: the words, and
        # a human closes it.
        return Step(
            replace(case, review=True).marked(scene.now, Mark.REVIEW),
            (Say("contingency.988"), HandOff("contingency")),
        )
    ended = end(
        case, Status.CLOSED, Outcome.UNSERVED, scene.now, case.unserved or Unserved.NO_CAPACITY
    )
    return Step(ended, (Say("contingency.988"), HandOff("closed")))


def _counselor_instead(case: Case, scene: Scene) -> Step:
    """The team is let go and a counselor is asked for: the hand-off begins anew, with its own
    clocks and ladder."""
    if not (may_text(case, "end") or may_call(case)):
        return Step(replace(case, said=case.said | {Said.PERSON}), ())
    anew = replace(case, response="counselor", team="", accepted_by="", status=Status.HANDED_OFF)
    anew = anew.unmarked(
        Mark.ACKNOWLEDGED,
        Mark.ACCEPTED,
        Mark.ASSIGNED,
        Mark.EN_ROUTE,
        Mark.PROMISED,
        Mark.UNPICKED,
        Mark.UNPICKED_TOLD,
        Mark.LADDER_ENDED,
    ).marked(scene.now, Mark.HANDED_OFF)
    return Step(anew, (Say("end.counselor"), HandOff("contingency")))


FOLLOW_UPS: Mapping[str, Callable[[Case, str, Scene], Step]] = {
    "check": _check,
    "voicemail": _voicemail,
    "reached": _reached,
    "if_none_still": _still,
    "if_none": _chosen,
}
