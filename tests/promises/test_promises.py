"""Every combination of answers, and every clock: our promises hold for all of them
(docs/safety-rules.md).

The tree of questions is walked depth first, by the real decisions: every answer that is offered, a
skip, and an unreadable answer, at every question that comes up. If two cases no longer differ in
anything that a later decision reads (`_what_matters`), the second is not walked further. No answer
is left out: each is still given and checked against the promises at its own question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import pytest
from conversation import CATALOG, PACE, PLACES, PROGRAM, Resident, fresh, reading
from test_ledger import stands

from caller_service.core import clock
from caller_service.core.case import Case, Status, Step
from caller_service.core.disposition import decide
from caller_service.core.effect import Ask, HandOff, Page, Say
from caller_service.core.escalation import people
from caller_service.core.hand_off import packet
from caller_service.core.protocol import DOUBT, HUMAN_NOW, SKIPPED, UNREADABLE, Level, Question
from caller_service.core.reply import Reading, Unclear
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import may_text
from caller_service.core.screening import advance
from caller_service.language.wording import texts

PROTOCOL = PROGRAM.protocol
R1_TRIGGERS = {
    ("health", "yes"),
    ("violence", "yes"),
    ("weapon", "yes"),
    ("place", "yes"),
    ("soon", "yes"),
} | {("attempt", answer) for answer in ("yes", *DOUBT)}
SAFETY = frozenset(question.id for question in PROTOCOL.questions if question.safety)
# answers that the code reads to decide how the screening ends
READ_BY_CODE = {"who", "contact", "want", "need", "if_none"}
LADDERS = {"danger", "team", "counselor", "review"}
RESPONSES = {"human", "team", "counselor", "information", "call_911"}


# ---- the walk ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Turn:
    """One answer, given on one path."""

    before: Case
    question: Question
    answer: str
    step: Step
    now: datetime
    path: tuple[tuple[str, str], ...]

    @property
    def case(self) -> Case:
        return self.step.case

    @property
    def over(self) -> bool:
        return not self.case.asked

    def __str__(self) -> str:
        return " ".join(f"{name}={answer}" for name, answer in self.path)


def _answers(question: Question, case: Case) -> tuple[str, ...]:
    if question.kind == "place":
        return (*PLACES, SKIPPED, UNREADABLE)
    return (*(choice.code for choice in question.offered(case.facts())), SKIPPED, UNREADABLE)


def _give(case: Case, answer: str, scene: Scene) -> Step:
    """Give one answer. "Unreadable" stands for the last unreadable reply within the limit."""
    if answer != UNREADABLE:
        return advance(case, reading(case, answer), answer, scene, scene.now)
    return advance(
        replace(case, unreadable=PROTOCOL.unreadable_limit - 1),
        Reading(Unclear()),
        "??",
        scene,
        scene.now,
    )


@cache
def _named(answered: frozenset[str], stands: frozenset[str]) -> frozenset[str]:
    """The names of the answers that an open question or rule still reads."""
    left = [
        question
        for question in PROTOCOL.questions
        if question.id not in answered and not question.follow_up
    ]
    still_open = {question.id for question in left} | {"said", "located"}
    names = [
        one.names()
        for question in left
        for one in (question.when, *(choice.when for choice in question.choices))
    ]
    names += [
        rule.when.names()
        for rule in PROTOCOL.rules
        if rule.when.names() & still_open and rule.because not in stands
    ]
    return frozenset().union(*names)


def _what_matters(case: Case) -> tuple[object, ...]:
    """Everything about the given answers that later steps can read. Rules do not distinguish the
    three kinds of doubt (test_the_three_kinds_of_doubt_are_one); a rule whose questions are all
    answered has fired, or never will; a danger or review that has fired remains. Earlier answers
    that only clocks and status texts read are checked in the tests below."""
    stands = {
        rule.because
        for rule in PROTOCOL.rules
        if rule.because in case.because and (rule.level is None or rule.level >= HUMAN_NOW)
    }
    named = _named(frozenset(case.answers), frozenset(stands)) | READ_BY_CODE
    seen = {
        name: "doubt" if value in DOUBT else value
        for name, value in case.answers.items()
        if name in named
    }
    located = "doubt" if case.located in ("unknown", "ambiguous", "skipped") else case.located
    return (
        case.asked,
        case.again,
        case.level,
        case.review,
        frozenset(case.because),
        frozenset(seen.items()),
        located,
        case.area,
        case.status,
    )


def _walk(
    case: Case, now: datetime, path: tuple[tuple[str, str], ...], seen: set[tuple[object, ...]]
) -> Iterator[Turn]:
    question = PROTOCOL.question(case.asked)
    now += PACE
    scene = Scene(PROGRAM, now)
    for answer in _answers(question, case):
        step = _give(case, answer, scene)
        turn = Turn(case, question, answer, step, now, (*path, (question.id, answer)))
        yield turn
        if turn.over:
            continue
        matters = _what_matters(step.case)
        if matters not in seen:
            seen.add(matters)
            yield from _walk(step.case, now, turn.path, seen)


@cache
def walked() -> tuple[Turn, ...]:
    """Every answer at every question that can come up."""
    first = Resident().texts("hi")
    return tuple(_walk(first.case, first.now, (), set()))


@cache
def ends() -> tuple[Turn, ...]:
    return tuple(turn for turn in walked() if turn.over)


def _broken(turns: list[Turn]) -> str:
    return "\n".join(
        [
            f"{len(turns)} paths break this, such as:",
            *(f"  {turn} -> {turn.case.level} {turn.case.because}" for turn in turns[:5]),
        ]
    )


def held(broken: list[Turn]) -> None:
    assert not broken, _broken(broken)


def _in_danger(case: Case) -> bool:
    return case.level is not None and case.level >= HUMAN_NOW


def _pages(step: Step) -> list[Page]:
    return [effect for effect in step.effects if isinstance(effect, Page)]


def test_the_walk_reaches_every_question_every_answer_and_every_reason() -> None:
    given = {(turn.question.id, turn.answer) for turn in walked()}
    fired = {reason for turn in walked() for reason in turn.case.because}

    row = [question for question in PROTOCOL.questions if not question.follow_up]
    by_text = {(question.id, choice.code) for question in row for choice in question.choices}
    assert given >= by_text - {("contact", "page")}  # that one is offered only on the web page
    assert given >= {(question.id, answer) for question in row for answer in (SKIPPED, UNREADABLE)}
    spoken = {
        rule.because
        for rule in PROTOCOL.rules
        if rule.when.names() & {"said", "reached"} and not rule.when.names() - {"said", "reached"}
    }
    assert fired >= {rule.because for rule in PROTOCOL.rules} - spoken - {
        "pregnant",
        "frail_or_old",
    }


def test_the_three_kinds_of_doubt_are_one() -> None:
    """The walk treats them as one where two paths meet, so no rule and no question may distinguish
    them."""
    conditions = [rule.when for rule in PROTOCOL.rules]
    conditions += [
        one
        for question in PROTOCOL.questions
        for one in (question.when, *(choice.when for choice in question.choices))
    ]
    clauses = [
        clause
        for condition in conditions
        for alternative in condition.alternatives
        for clause in alternative
    ]

    assert all(
        values & DOUBT in (frozenset(), DOUBT)
        for name, *sets in clauses
        for values in sets
        if name != "located"
    )


# ---- levels --------------------------------------------------------------------------------------
def test_every_emergency_answer_is_an_emergency_in_that_same_turn() -> None:
    held(
        [
            turn
            for turn in walked()
            if (turn.question.id, turn.answer) in R1_TRIGGERS and turn.case.level != Level.R1
        ]
    )


def test_no_doubt_about_safety_ends_below_a_human_now() -> None:
    """Not sure, a skip, three unreadable replies: none ever counts as "no". If it is not known who
    is meant, a human reviews the doubt instead."""
    broken = []
    for turn in walked():
        doubted = turn.question.safety and turn.answer in DOUBT
        if doubted and turn.question.id != "safety" and not _in_danger(turn.case):
            if (
                turn.before.answers.get("who") == "unknown"
                and turn.question.id not in ("attempt", "soon")
                and turn.case.review
            ):
                continue
            broken.append(turn)
    held(broken)


def test_no_yes_or_doubt_about_safety_or_suicide_ends_unheard() -> None:
    broken = []
    for turn in ends():
        alarms = {
            name: answer
            for name, answer in turn.case.answers.items()
            if name in SAFETY and answer != "no"
        }
        certain = "yes" in alarms.values()
        stranger = turn.case.answers.get("who") == "unknown" and not certain
        if alarms and not (_in_danger(turn.case) or (stranger and turn.case.review)):
            broken.append(turn)
    held(broken)


def test_no_later_answer_lowers_the_level() -> None:
    held([turn for turn in walked() if (turn.before.level or 0) > (turn.case.level or 0)])


def test_not_asked_is_never_kept_as_no() -> None:
    held([turn for turn in walked() if turn.case.answers.keys() - {name for name, _ in turn.path}])


DETAILS = ("health", "safety", "violence", "weapon", "place", "suicide", "attempt", "soon", "gun")
WORSE = {"no": "unsure", "unsure": "yes"}


def _raised(codes: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same answers with one of them more dangerous, each with the name of its question."""
    for at, code in enumerate(codes):
        if code in WORSE:
            yield DETAILS[at], (*codes[:at], WORSE[code], *codes[at + 1 :])


@pytest.mark.parametrize("who", ["me", "unknown"])
def test_of_the_same_questions_a_more_dangerous_answer_never_lowers_the_level(who: str) -> None:
    """All 19,683 ways to answer the nine safety questions, as the rules read them."""
    levels = {}
    for codes in product(("no", "unsure", "yes"), repeat=len(DETAILS)):
        told = decide(
            PROTOCOL,
            replace(
                fresh(),
                answers={"who": who, "want": "team", **dict(zip(DETAILS, codes, strict=True))},
            ),
        )
        levels[codes] = (told.level or 0, told.review and (told.level or 0) < HUMAN_NOW)
    lowered = [
        (name, codes)
        for codes, (level, _) in levels.items()
        for name, worse in _raised(codes)
        if levels[worse][0] < level
    ]
    unlooked = [
        (name, codes)
        for codes, (_, review) in levels.items()
        for name, worse in _raised(codes)
        if review and not levels[worse][1] and levels[worse][0] < HUMAN_NOW
    ]

    assert (lowered, unlooked) == ([], [])


@pytest.mark.parametrize("who", ["me", "me_minor", "adult", "child", "unknown"])
def test_no_more_dangerous_answer_loses_the_human(who: str) -> None:
    """As the questions are really asked: a danger found early leaves later questions unasked, so
    the level may be R2 where those questions would have made it R1. Both bring a human now, through
    the same queue and with the same clocks, and no more dangerous answer ever takes that away."""
    rest = {
        "who": who,
        "contact": "text",
        "where": "inside",
        "need": "upset",
        "want": "team",
        "if_none": "wait",
    }
    start = Resident().texts("hi")
    known: dict[tuple[tuple[str, str], ...], Case] = {}

    def play(everything: dict[str, str]) -> Case:
        case, path = start.case, ()
        while case.asked:
            path = (*path, (case.asked, everything[case.asked]))
            if path not in known:
                now = start.now + PACE * len(path)
                known[path] = advance(
                    case, reading(case, path[-1][1]), path[-1][1], Scene(PROGRAM, now), now
                ).case
            case = known[path]
        return case

    every = product(("no", "unsure", "yes"), repeat=len(DETAILS))
    human = {}
    for codes in every:
        case = play({**rest, **dict(zip(DETAILS, codes, strict=True))})
        human[codes] = 2 if _in_danger(case) else int("bystander.doubt" in case.because)

    assert [
        (name, codes)
        for codes, how in human.items()
        for name, worse in _raised(codes)
        if human[worse] < how
    ] == []


# ---- every path has an end -----------------------------------------------------------------------
def test_every_path_has_one_route_a_reason_and_an_end_nobody_is_dropped_at() -> None:
    broken = []
    for turn in ends():
        case = turn.case
        waiting = case.status == Status.HANDED_OFF or (
            case.status == Status.OPEN and clock.next_due(case, PROGRAM) is not None
        )
        if not (
            case.response in RESPONSES
            and case.because
            and case.level is not None
            and ((case.ended and case.outcome) or waiting)
        ):
            broken.append(turn)
    held(broken)


def test_danger_is_routed_to_a_human_whatever_else_is_answered() -> None:
    def astray(turn: Turn) -> bool:
        # a team or counselor that was requested before stays requested
        screened = turn.before.status != Status.SCREENING
        return (
            turn.case.ended
            or (turn.case.response != "human" and not screened)
            or not turn.case.page_waits
        )

    held([turn for turn in walked() if _in_danger(turn.case) and astray(turn)])


def test_no_path_ends_without_words() -> None:
    held(
        [
            turn
            for turn in walked()
            if not any(isinstance(effect, (Say, Ask)) for effect in turn.step.effects)
        ]
    )


@pytest.mark.parametrize("language", PROGRAM.languages)
def test_every_path_has_words_in_every_language(language: str) -> None:
    said = {
        effect.key if isinstance(effect, Say) else effect: effect
        for turn in walked()
        for effect in turn.step.effects
        if isinstance(effect, (Say, Ask))
    }
    case = fresh(language)

    for effect in said.values():
        spoken = texts((effect,), case, PROGRAM, CATALOG)
        assert spoken and all(message.text.strip() for message in spoken)


def test_unserved_always_has_a_reason_and_a_next_step() -> None:
    unserved = [turn for turn in ends() if turn.case.outcome == "unserved"]

    assert unserved
    held([turn for turn in unserved if not turn.case.unserved])
    held([turn for turn in unserved if "988" not in " ".join(words(turn.step, turn.case))])


def words(step: Step, case: Case) -> list[str]:
    return [message.text for message in texts(step.effects, case, PROGRAM, CATALOG)]


def test_the_hand_off_leaves_with_the_eighth_answer_and_with_the_ninth_where_a_gun_is_asked_about() -> (
    None
):
    usual = Resident().texts("hi").answers("me", "no", "no", "no", "text", "team", "inside")
    assert usual.case.status == Status.SCREENING
    assert usual.answers("worried").case.status == Status.HANDED_OFF and usual.happened(HandOff)
    assert usual.asked == "if_none", "what is only needed later is asked later"

    def calm(turn: Turn) -> bool:
        handed_off = (
            turn.before.status == Status.SCREENING and turn.case.status == Status.HANDED_OFF
        )
        path = dict(turn.path)
        return handed_off and not _in_danger(turn.case) and not {"gun", "violence"} & path.keys()

    most = max((turn.path for turn in walked() if calm(turn)), key=len)
    assert len(most) <= 8
    longest = max(ends(), key=lambda turn: len(turn.path))
    assert len(longest.path) <= 18


# ---- danger --------------------------------------------------------------------------------------
def test_the_first_danger_pages_and_hands_off_in_that_same_turn() -> None:
    first = [turn for turn in walked() if _in_danger(turn.case) and not _in_danger(turn.before)]

    assert first
    held([turn for turn in first if [page.ladder for page in _pages(turn.step)] != ["danger"]])
    held(
        [
            turn
            for turn in first
            if not any(isinstance(effect, HandOff) for effect in turn.step.effects)
        ]
    )
    held([turn for turn in first if turn.case.status != Status.HANDED_OFF])


def test_nobody_is_paged_for_danger_where_there_is_none() -> None:
    held([turn for turn in walked() if not _in_danger(turn.case) and _pages(turn.step)])


def test_once_a_human_is_paged_only_contact_and_where_are_asked() -> None:
    held(
        [
            turn
            for turn in walked()
            if _in_danger(turn.case) and turn.case.asked not in ("", "contact", "where")
        ]
    )


def test_the_resident_hears_at_once_that_a_person_is_being_asked() -> None:
    first = [turn for turn in walked() if _in_danger(turn.case) and not _in_danger(turn.before)]

    held(
        [
            turn
            for turn in first
            if "We are asking a person to join you here"
            not in " ".join(words(turn.step, turn.case))
        ]
    )


def test_every_emergency_says_what_to_do_before_anything_else() -> None:
    urgent = [
        turn for turn in walked() if turn.case.level == Level.R1 and turn.before.level != Level.R1
    ]

    held(
        [
            turn
            for turn in urgent
            if not any(number in words(turn.step, turn.case)[0] for number in ("911", "988"))
        ]
    )


def test_police_are_never_requested() -> None:
    held([turn for turn in walked() if packet(turn.case, PROGRAM)["police_requested"] is not False])
    assert {rung.ladder for rung in PROGRAM.ladder} == {"danger", "team", "counselor", "review"}


def test_a_packet_never_carries_a_number_nobody_called_safe() -> None:
    """Called safe, or in danger while contact is not known: then with its condition, for emergency
    services (rule 9)."""

    def condition(case: Case) -> str | None:
        contact = case.answers.get("contact")
        if contact in ("text_call", "text", "text_deaf", "call"):
            return "called_safe"
        return (
            "emergency_services_only"
            if contact not in ("unsafe", "unwanted") and _in_danger(case)
            else None
        )

    def told(turn: Turn) -> tuple[bool, str | None]:
        contact = packet(turn.case, PROGRAM, "+17205550199")["contact"]
        return contact["number"] is not None, contact["number_condition"]

    held(
        [
            turn
            for turn in walked()
            if told(turn) != (condition(turn.case) is not None, condition(turn.case))
        ]
    )


def test_under_18_always_meets_a_human_before_a_team_goes() -> None:
    held(
        [
            turn
            for turn in ends()
            if turn.case.answers.get("who") in ("me_minor", "child") and not turn.case.review
        ]
    )


def test_a_place_nobody_can_be_sure_of_always_meets_a_human() -> None:
    unsure = ("near_edge", "ambiguous", "unknown", "skipped")

    held(
        [
            turn
            for turn in ends()
            if turn.case.located in unsure and not (turn.case.review or _in_danger(turn.case))
        ]
    )


def test_every_path_through_the_questions_stands_in_one_class() -> None:
    found = {(stands(turn.case).kind, stands(turn.case).of) for turn in ends()}
    assert {kind for kind, _ in found} == {"open", "served", "unserved"}
    assert {of for kind, of in found if kind == "unserved"} >= {"unsafe_to_contact", "unwanted"}


# ---- every point where a conversation can stop, for one day --------------------------------------
def _alike(case: Case) -> tuple[object, ...]:
    """The same for all cases on which the clocks act alike."""
    known = {name: "doubt" if answer in DOUBT else answer for name, answer in case.answers.items()}
    contact = known.get("contact")
    if case.in_danger:
        return (case.asked, case.status, contact)
    # read for as long as silence is measured
    answers = tuple(known.get(name) for name in ("safety", "violence", "suicide") if case.asked)
    return (
        case.asked == "",
        case.status,
        case.response,
        case.review,
        case.answers.get("who") == "unknown",
        contact,
        *answers,
    )


def _stops() -> list[tuple[str, Case, datetime]]:
    """One case of each kind, stopped at every point where a conversation can stop."""
    one = {_alike(turn.case): (str(turn), turn.case, turn.now) for turn in walked()}
    return list(one.values())


def test_a_day_of_clocks_ends_floods_nobody_and_says_only_what_may_be_said() -> None:
    """For each kind of case, wherever the resident stopped writing: every clock as it becomes due,
    for 24 hours. Cases in danger, where somebody is paged each minute, run for one hour;
    test_a_page_nobody_answers covers a whole day."""
    faults: list[str] = []
    stops = _stops()
    for path, case, now in stops:
        until, pages = now + timedelta(hours=1 if case.in_danger else 24), Counter[int]()
        rings = said = 0
        due = clock.next_due(case, PROGRAM)
        while due is not None and due <= until and rings < 3000:
            now, rings = max(now, due), rings + 1
            step = clock.tick(case, Scene(PROGRAM, now))
            for effect in step.effects:
                if isinstance(effect, (Say, Ask)):
                    key = effect.key if isinstance(effect, Say) else f"ask.{effect.question}"
                    said += 1
                    if not may_text(case, key):
                        faults.append(f"{path}: {key} was said by a clock, though it may not be")
                    if case.answers.get("contact") is None:
                        faults.append(f"{path}: {key} was said before we knew it is safe")
                elif isinstance(effect, Page) and not effect.backstop:
                    pages[int(now.timestamp() // 60)] += 1
                    if effect.ladder not in LADDERS or not people(effect, Scene(PROGRAM, now)):
                        faults.append(f"{path}: paged nobody, or nobody we know: {effect}")
            case = step.case
            due = clock.next_due(case, PROGRAM)
            if due is not None and due <= now:
                faults.append(
                    f"{path}: due again at once, after "
                    f"{[effect.detail for effect in step.effects if hasattr(effect, 'event')]}"
                )
                break
        if rings >= 3000 or max(pages.values(), default=0) > 3 or said > 110:
            faults.append(
                f"{path}: {rings} rings, {max(pages.values(), default=0)} pages in a minute, "
                f"{said} texts in a day"
            )
        if packet(case, PROGRAM)["police_requested"] is not False:
            faults.append(f"{path}: police were requested")
    assert len(stops) > 200
    assert faults == []


def test_after_every_answer_and_every_end_something_is_due_or_it_is_over() -> None:
    """A request that continues comes up again by itself: nobody is dropped because they stopped
    writing."""
    held(
        [
            turn
            for turn in walked()
            if not turn.case.ended and clock.next_due(turn.case, PROGRAM) is None
        ]
    )


def test_a_waiting_end_is_looked_at_by_a_person_within_the_hour() -> None:
    """Handed off, and nobody accepts it: somebody is paged by name, whatever was chosen."""
    broken = []
    seen: set[tuple[object, ...]] = set()
    for turn in ends():
        case, now = turn.case, turn.now
        if case.ended or _alike(case) in seen:
            continue
        seen.add(_alike(case))
        paged = any(isinstance(effect, Page) for effect in turn.step.effects) or case.page_waits
        until = now + timedelta(hours=1)
        asked_back = False
        while not paged and (due := clock.next_due(case, PROGRAM)) is not None and due <= until:
            now = max(now, due)
            step = clock.tick(case, Scene(PROGRAM, now))
            case = step.case
            paged = any(isinstance(effect, Page) for effect in step.effects)
            asked_back = asked_back or any(isinstance(effect, Ask) for effect in step.effects)
        if not paged:
            broken.append(turn)
    held(broken)
