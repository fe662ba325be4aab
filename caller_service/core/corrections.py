"""Who needs help and where, told out of turn: before it was asked, or other than it was answered
(docs/safety-rules.md, rules 1 and 10)."""

from __future__ import annotations

from datetime import datetime

from .after_hand_off import hear_after_hand_off
from .answers import take_place
from .case import Case, Status, Step, replace
from .effect import Effect, Record, Say
from .journal_events import Event
from .marks import Mark
from .questions import seen_question, variant
from .reply import (
    Answer,
    Command,
    Danger,
    OtherLanguage,
    Reading,
    Reply,
    Story,
    Unclear,
    Wish,
    Withdrawal,
)
from .routing import Scene
from .service_area import locate
from .turn_steps import (
    add_to_narrative,
    alert_accepter,
    forward_words,
    without_acknowledgement,
)
from .vocabulary import normal

LONGEST_CORRECTION = 12  # longest text, in words, that may only correct a place
LONGEST_PLACES = 300  # letters of a place with its corrections
LONGEST_PLACE = 8  # longest text, in words, that may be a place given before it was asked for


def who_told(
    case: Case, reading: Reading, said: str, scene: Scene, heard_at: datetime
) -> Step | None:
    """ "It's for my sister, not me": correct who needs help, or store it before it is asked. A "no"
    about one person is no "no" about another: what was asked about the first is open again (rule 1:
    the level stays). After the hand-off somebody is told, too. None: nothing new."""
    before, who = case.answers.get("who", ""), reading.who
    if not who or who == before or (who == "me" and before == "me_minor"):
        return None
    if isinstance(reading.reply, (Danger, Withdrawal, Command, Answer, OtherLanguage)):
        return None
    protocol, once = scene.program.protocol, variant(case)
    seen = seen_question(protocol, case, heard_at, scene.by_text)
    changed = replace(add_to_narrative(case, said), answers={**case.answers, "who": who})
    effects: tuple[Effect, ...] = (Record(Event.CORRECTS, {"question": "who"}), Say("who.noted"))
    if before and variant(changed) != once:
        reopened = {each.id for each in protocol.questions if each.by_who and each.safety}
        answers = {
            name: choice
            for name, choice in changed.answers.items()
            if name not in reopened or choice != "no"
        }
        changed = replace(changed, answers=answers)
    if case.in_danger or case.status == Status.SCREENING:
        changed = replace(changed, asked="", offered=(), unreadable=0)
        return Step(changed, (*effects, *alert_accepter(changed, "alert.words", said.strip())))
    step = hear_after_hand_off(changed, Story(), said, seen, scene)
    return Step(step.case, (*effects, *without_acknowledgement(step.effects)))


def corrects_place(
    case: Case, reading: Reading, said: str, scene: Scene, heard_at: datetime
) -> bool:
    """ "Not 5th st, 5th ave": does this text name another place than they gave?"""
    seen = seen_question(scene.program.protocol, case, heard_at, scene.by_text)
    return (
        Wish.MOVED in reading.wishes
        and bool(case.place)
        and not (seen is not None and seen.kind == "place")
        and isinstance(reading.reply, (Story, Unclear))
        and normal(said) != normal(case.place)
        and (_looks_like_place(said, scene) or _names_street(said, scene))
    )


def _names_street(said: str, scene: Scene) -> bool:
    """Is there a numbered street, as in "5th ave"?"""
    words, roads = normal(said), scene.program.streets.roads
    return len(words) <= LONGEST_CORRECTION and any(
        word in roads and any(each.isdecimal() for each in words[max(0, at - 2) : at])
        for at, word in enumerate(words)
    )


def place_corrected(case: Case, said: str, scene: Scene) -> Step:
    """Handle a place that replaces an earlier one. During the questions the later place counts,
    alone if it is certain. Once people work with the first, both are reported: software sends
    nobody elsewhere, because somebody else may hold the phone (rule 10)."""
    noted: tuple[Effect, ...] = (Say("where.noted"),)
    both = f"{case.place} / {said.strip()}"[:LONGEST_PLACES]
    if case.status == Status.SCREENING and not case.in_danger:
        sure = locate(said, scene.program, scene.local).kind not in ("unknown", "ambiguous")
        question = scene.program.protocol.question("where")
        placed = take_place(case, question, said.strip() if sure else both, scene)
        case = add_to_narrative(placed.case.unmarked(Mark.AREA_TOLD), said)
        case = case if sure else replace(case, located="ambiguous", area="", point=None)
        return Step(case, (*placed.effects, *noted))
    case = replace(case, place=both)
    if case.in_danger:
        case, told = add_to_narrative(case, said), said.strip()
        alerts = alert_accepter(case, "alert.words", told)
        return Step(case, (*noted, *alerts, *forward_words(case)))
    step = hear_after_hand_off(add_to_narrative(case, said), Story(), said, None, scene)
    return Step(step.case, (*noted, *without_acknowledgement(step.effects)))


def names_better_place(case: Case, reply: Reply, said: str, scene: Scene) -> bool:
    """Does this text name a place after none was found, or in danger before it was asked for?"""
    found_none = case.located in ("", "skipped", "unknown")
    return (
        isinstance(reply, (Story, Unclear))
        and ("where" not in case.answers or found_none)
        and (case.in_danger or "where" in case.answers)
        and _looks_like_place(said, scene)
    )


def place_unasked(case: Case, reply: Reply, said: str, scene: Scene) -> Step:
    """Keep a better place. Where no question follows, say that it arrived, and tell whoever has
    the case."""
    placed = take_place(case, scene.program.protocol.question("where"), said.strip(), scene)
    if case.asked or Mark.ASKED not in case.marks:
        return placed
    answered = hear_after_hand_off(placed.case, reply, said, None, scene)
    return Step(answered.case, (*placed.effects, *answered.effects))


def _looks_like_place(said: str, scene: Scene) -> bool:
    """Is this a house number and a street, or a place in the program's place table?"""
    words, roads = normal(said), scene.program.streets.roads
    starts = [at for at, word in enumerate(words) if word.isdecimal() and len(word) >= 2]
    has_address = any(
        len(words) > at + 1
        and any(word.isalpha() for word in words[at + 1 :])
        and (at == 0 or any(word in roads for word in words[at + 1 :]))
        for at in starts
    )
    return len(words) <= LONGEST_PLACE and (
        has_address or locate(said, scene.program, scene.local).kind != "unknown"
    )
