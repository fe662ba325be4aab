"""Chooses the next question and its wording, from protocol and answers (docs/safety-rules.md)."""

from __future__ import annotations

from datetime import datetime

from .case import Case, replace
from .effect import Ask, Effect, Say
from .marks import Mark
from .protocol import Facts, Part, Protocol, Question, choice_key
from .reach import CannotText, ContactAnswer
from .routing import Scene, team_working
from .safe_contact import stopped_in_words

# what they want if no team is free, and whether they still do (rule 12)
CHOICES = ("if_none", "if_none_still")


def variant(case: Case) -> str:
    """The wording of a question: me, they, or "person" while it is unclear who needs help."""
    who = case.answers.get("who")
    return (
        "me"
        if who in ("me", "me_minor")
        else "they"
        if who in ("adult", "child", "someone")
        else "person"
    )


def asker(case: Case) -> str:
    """The wording of danger instructions: "they" for whoever asks about somebody else, otherwise
    "me". "me" also while that is unknown, because those words fit both; first aid is only for
    whoever is beside another person (rule 23)."""
    return "they" if case.about_another else "me"


def ask(protocol: Protocol, case: Case, unasked: bool = False) -> Ask:
    """The open question, worded and with the choices this person can use."""
    question = protocol.question(case.asked)
    offered = question.offered(case.facts())
    deaf = is_deaf(case) and any(choice.deaf for choice in offered)
    chosen = case.answers.get("if_none", "")
    still = question.id == "if_none_still"
    fill = {"choice": f"={contingency_key(case, chosen)}"} if still else {}
    return Ask(
        question.id,
        variant(case) if question.by_who else "",
        tuple(choice.code for choice in offered),
        unasked,
        deaf,
        fill,
    )


def deaf_words(case: Case, choice: str) -> bool:
    """Does this choice have other words for somebody deaf? A counselor texts them and never
    calls, and 988 takes texts."""
    return choice in ("counselor", "call_988") and is_deaf(case)


def contingency_key(case: Case, chosen: str) -> str:
    """The catalog key of what they chose for when no team is free, in the words they chose it by
    (rule 12). Whoever is reached on their page alone has no number for a call or a text."""
    if chosen == "counselor" and case.answers.get("contact") == ContactAnswer.PAGE:
        return "web.choice.counselor.page"
    return f"{choice_key('if_none', chosen)}{'.deaf' if deaf_words(case, chosen) else ''}"


def is_deaf(case: Case) -> bool:
    return case.deaf or case.answers.get("contact") == ContactAnswer.TEXT_DEAF


def next_question(protocol: Protocol, case: Case) -> Question | None:
    """The next question, from protocol and answers. In danger only those that a human needs to
    come."""
    for name in case.again:
        return protocol.question(name)
    facts = case.facts()
    unanswered = [
        question
        for question in protocol.questions
        if not question.follow_up and question.id not in case.answers
    ]
    if case.in_danger:
        return min(
            (question for question in unanswered if question.in_danger),
            key=lambda question: question.in_danger,
            default=None,
        )
    for question in unanswered:
        if question.sooner is not None and question.sooner.holds(facts):
            return question
    return next((question for question in unanswered if question.when.holds(facts)), None)


def next_part(protocol: Protocol, case: Case) -> Part | None:
    """What is asked next on the phone; None: nothing more, or a human is asked for and the rest is
    theirs."""
    if case.in_danger or case.ended:
        return None
    facts = case.facts()
    parts = [(part, protocol.question(part.question)) for part in protocol.aloud]
    sooner = (
        part
        for part, question in parts
        if question.id not in case.answers
        and question.sooner is not None
        and question.sooner.holds(facts)
    )
    in_order = (part for part, _ in parts if _to_be_asked(protocol, case, part, facts))
    return next(sooner, next(in_order, None))


def _to_be_asked(protocol: Protocol, case: Case, part: Part, facts: Facts) -> bool:
    question = protocol.question(part.question)
    if part.id in case.spoken or not (part.when.holds(facts) and question.when.holds(facts)):
        return False
    if question.id == "contact" and case.cannot_text == CannotText.WITHHELD:
        return False  # there is no number to call or text
    if question.id not in case.answers:
        return not part.refines
    # an answer given otherwise, by text or by a human, is whole
    return part.refines and any(
        other.id in case.spoken for other in protocol.aloud if other.question == part.question
    )


def open_questions(protocol: Protocol, case: Case) -> tuple[str, ...]:
    """Unanswered questions for a human who holds the conversation (rule 20). An unanswered question
    is listed, never shown as "no"."""
    facts = case.facts()
    return tuple(
        question.id
        for question in protocol.questions
        if not question.follow_up
        and question.id not in case.answers
        and (question.in_danger or question.when.holds(facts))
    )


def seen_question(
    protocol: Protocol, case: Case, heard_at: datetime, by_text: bool = True
) -> Question | None:
    """The question the sender had seen; None if it was asked after they wrote, or was spoken or put
    on a page and they text: a text answers only what was texted."""
    if case.asked_aloud and by_text:
        return None
    if not case.asked or heard_at < case.marks.get(Mark.ASKED, heard_at):
        return None
    return protocol.question(case.asked)


def carrier_holds(case: Case, delivered: datetime | None) -> bool:
    """Was the open question put after a STOP that the carrier acts on? Then nobody has read it
    (rule 8), unless it is known to have been `delivered`."""
    stopped = case.cannot_text == CannotText.STOPPED and not stopped_in_words(case)
    if not (stopped or case.cannot_text == CannotText.BLOCKED) or delivered is not None:
        return False
    since = case.marks.get(Mark.WITHDRAWN)
    return since is None or case.marks.get(Mark.ASKED, since) >= since


def readable_offer(protocol: Protocol, case: Case) -> bool:
    """Were exactly these choices sent with the open question? After an upgrade or a changed
    protocol perhaps not: then a bare number means nothing, and the question is put again. "I am
    deaf", in this very text, takes choices away and makes none of those that were sent another."""
    question = protocol.question(case.asked)
    facts = case.facts()
    heard = {name: known for name, known in facts.items() if name != "deaf"}
    return not question.choices or any(
        case.offered == tuple(choice.code for choice in question.offered(each))
        for each in (facts, heard)
    )


def stands_at(protocol: Protocol, case: Case, question: str, now: datetime) -> Case:
    """The case with this question open, and the choices it is sent with."""
    if question != case.asked:
        case = replace(case, asked=question, unreadable=0, too_fast=0)
    case = case.marked(now, Mark.ASKED)
    return replace(
        case,
        asked_aloud=False,
        offered=tuple(choice.code for choice in protocol.question(question).offered(case.facts())),
    )


def choose_anew(protocol: Protocol, case: Case, now: datetime) -> Case:
    """The case with "what if no team is free?" open again."""
    return stands_at(protocol, replace(case, unreadable=0), "if_none", now)


def after_hand_off(protocol: Protocol, case: Case) -> str:
    """The follow-up to ask after the hand-off; "" for none. Nobody in danger is asked."""
    if case.in_danger or case.ended or case.held:
        return ""
    facts = case.facts()
    for question in protocol.questions:
        if (
            question.after_hand_off is not None
            and question.id not in case.answers
            and question.after_hand_off.holds(facts)
        ):
            return question.id
    return ""


def greet(case: Case, scene: Scene) -> tuple[Effect, ...]:
    """The preamble before question 1, and what is true just now: no team works, or people have
    waited long."""
    words: list[Effect] = [Say("preamble")]
    if scene.surge:
        words.append(Say("preamble.surge"))
    if not team_working(scene):
        words.append(Say("preamble.no_team"))
    if len(scene.program.languages) > 1:
        words.append(Say("language.hint"))
    return tuple(words)
