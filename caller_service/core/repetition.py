"""The same words again: theirs, by their phone or by hand (rules 8 and 24), and ours (rule 4)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Step, replace
from .commands import said_again
from .effect import Ask, Effect, Record, Say
from .journal_events import Event
from .reply import Danger, Farewell, Inquiry, Nothing, Reaction, Reading, Story, Thanks, Unclear
from .routing import Scene
from .safe_contact import deferred_words, gated
from .said import Said
from .turn_steps import LINES, READ_LINES, add_to_narrative, counted_kinds, next_line, recompute
from .vocabulary import normal

SAME_WORDS = 4  # this many texts with the same words within SAME_WITHIN: no more answers
SAME_WITHIN = timedelta(minutes=10)
# texts at least this far apart were written by a person, not by an auto-reply
BY_HAND = timedelta(seconds=45)
# words that say no more than that a text arrived, or that nothing in it was found
ACKNOWLEDGEMENTS = frozenset({
    "thanks_story", "thanks.open", "unclear", "unclear.again", "unclear.place", "unclear.media",
    "status.received_only", "status.nobody_yet", "status.still_waiting", "status.waiting_again",
    "interpreter.line", "cancel.human",
})  # fmt: skip
WAITING_LINES = ("status.nobody_yet", "status.still_waiting", "status.waiting_again")


def fingerprint_of(case: Case, said: str) -> str:
    """Recognises the same words again, whatever their case and punctuation. Encrypted with the
    case."""
    return hashlib.sha256(" ".join((case.id, *normal(said))).encode()).hexdigest()[:16]


def says_nothing_new(case: Case, reading: Reading) -> bool:
    """Could a machine have written this? True for words that answer nothing, or a danger already
    known."""
    reply = reading.reply
    # a person in a hurry may answer every question with the same number
    if reading.answerlike:
        return False
    if isinstance(reply, Danger):
        return set(counted_kinds(case, reply)) <= case.said
    return isinstance(reply, (Story, Unclear, Nothing, Reaction, Inquiry, Thanks, Farewell))


def same_words(case: Case, said: str, scene: Scene) -> Step:
    """Handle the same words for the fourth time: no answer and no page, but a human reads the case
    (rule 24). In danger the words are kept for the team, and words that are still owed are said."""
    noted = add_to_narrative(case, said) if case.in_danger else case
    late = deferred_words(noted) if case.in_danger else Step(noted)
    step = recompute(said_again(late.case, frozenset({Said.SAME_WORDS}), scene), scene)
    case, effects = hand_off.revise(
        step.case, (*late.effects, Record(Event.SAME_WORDS), *step.effects)
    )
    return Step(case, gated(case, effects)[0])


def slow_in_danger(case: Case, heard_at: datetime) -> bool:
    """Are the repeated texts of a danger too far apart to be a machine's? They are answered, in
    changing words."""
    earlier = [datetime.fromisoformat(at) for at, _ in case.recent[:-1]]
    return case.in_danger and (not earlier or heard_at - earlier[-1] >= BY_HAND)


def never_twice(step: Step) -> Step:
    """Never the same answer twice in a row (rule 4). In danger an acknowledgement that would be
    repeated is the next of LINES, so that nobody is left without words. Otherwise the question
    alone is put, or nothing more is said to thanks. The one line there is in somebody's own script
    is said again: nothing else of ours can they read (rule 26)."""
    case, effects = step.case, step.effects
    keys = _answer_keys(effects)
    if not keys:
        return step
    if keys != case.answered_with or ACKNOWLEDGEMENTS.isdisjoint(keys):
        return Step(replace(case, answered_with=keys), effects)
    repeated = [
        effect for effect in effects if isinstance(effect, Say) and effect.key in ACKNOWLEDGEMENTS
    ]
    others = tuple(effect for effect in effects if effect not in repeated)
    key = repeated[0].key
    words: tuple[Effect, ...] = ()
    own = tuple(each for each in repeated if each.key == "interpreter.line")
    if own:
        words = own
    elif case.in_danger:
        case, line = next_line(case, LINES)
        words = (line,)
    elif key in WAITING_LINES:
        case, line = next_line(replace(case, line=key), WAITING_LINES)
        words = (line,)
    elif key != "thanks.open" and not _answer_keys(others):
        case, line = next_line(case, READ_LINES)
        words = (line,)
    effects = (*words, *others)
    return Step(replace(case, answered_with=_answer_keys(effects) or keys), effects)


def _answer_keys(effects: tuple[Effect, ...]) -> tuple[str, ...]:
    """What these effects say and ask in answer to a text, in order."""
    return tuple(
        effect.key if isinstance(effect, Say) else f"ask.{effect.question}"
        for effect in effects
        if isinstance(effect, (Say, Ask)) and not effect.unasked
    )
