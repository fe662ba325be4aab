"""Why the console refuses an act, for staff: one sentence for each code. A page can override single
sentences."""

from __future__ import annotations

from collections.abc import Mapping

from caller_service.web.shared.refusal_words import ALIKE

REFUSALS = {
    **ALIKE,
    "not_there": "{name} is not signed in and has no phone on shift, so they would not hear of it.",
    "too_long": "A care note lasts 30 days at most, a slowed number 12 hours.",
    "taken": "{name} has it.",
    "outcome_needed": "Closing needs an outcome. After danger, one that says how the person is.",
    "may_not_text": "They may not be written to now.",
    "supervisor_needed": "Say which supervisor gave you the reason.",
    "held": "{name} holds the conversation. Take it over first.",
    "no_such_person": "Nobody of that name is on the ladder.",
    "nobody_chosen": "Choose somebody who is on shift. If nobody is, give it back.",
    "off_duty": "{name} is not on shift. Ask somebody to take it who is.",
    "full": "You hold three dangers. Hand one over first.",
    "full_other": "{name} holds three dangers already.",
    "police_needed": "Say whether police were there. If they were, say who asked for them, and "
    "whether the person was told before.",
    "report_needed": "A child or an old person was said to be hurt. Say whether that was "
    "reported, by whom and when.",
    "tell_needed": "Say whether they know before 911 is called.",
    "why_not_needed": "Not telling them needs a reason of its own.",
    "cannot_tell": "They may not be written to now. Tell them in another way, or say why not.",
    "unreadable": "This case cannot be read here in full, so nothing about it can be changed. "
    "Reach them in another way, and tell the operator.",
    "own": "This case is about your own phone. Somebody else must see to it.",
    "own_other": "This case is about the phone of {name}. Choose somebody else.",
    "not_asked": "You are no longer asked to take it.",
    "phone_in_use": "Somebody is in danger on that phone now. Speak with whoever has that case.",
    "no_such_team": "Choose a team.",
    "not_higher": "It is already that urgent.",
    "held_by_law": "There is a legal hold. Lift it first.",
    "kept_by_law": "The law requires the words to be kept for longer.",
    "under_way": "A text is still being sent. Try again in a minute.",
    "no_such_case": "No other case has this reference.",
    # calls
    "not_noted": "First note why 911 is called, and whether they know.",
    "no_line": "No line of the 911 center is known for this place: dial 911, and say the place.",
    "may_not_call": "They have not said that calling is safe, or took it back.",
    "on_line": "They are in a call with us now.",
    "no_phone": "No phone of yours is known here: dial the number, or 911, and say the place.",
    "phone_busy": "Your phone is in a call with us. Hang up first.",
    "no_number": "No number of theirs is known.",
    "rings": "It is ringing already.",
    "not_tried": "Nobody has tried yet. Only “We spoke” can be noted before an attempt.",
    "no_such_outcome": "Choose how the call went.",
    "looked_at": "{name} has looked at it already.",
    "no_such_call": "There is no such call.",
}


FIELDS = {
    "reason": "The reason",
    "why_not": "The reason not to tell them",
    "place": "The place",
    "words": "The text",
    "to": "The name",
    "ask_for": "The name",
}


class Mistyped(Exception):
    """A field does not hold what it is for. `words`: what to do, for whoever typed it."""

    def __init__(self, words: str) -> None:
        super().__init__("mistyped")
        self.words = words


def mistyped(field: str, text: str, longest: int) -> Mistyped:
    """The field does not hold words that can be kept and shown."""
    what = FIELDS.get(field, "The text")
    if len(text.strip()) > longest:
        return Mistyped(f"{what} is too long. It may have {longest} letters.")
    if not text.strip():
        return Mistyped("Write something first.")
    return Mistyped(f"{what} has signs in it that cannot be shown. Type it again.")


def refusal_words(code: str, name: str = "", here: Mapping[str, str] | None = None) -> str:
    """Why an act is refused. `name`: whose case or role is the reason; `here`: the sentences that
    this page overrides."""
    words = (here or {}).get(code) or REFUSALS[code]
    return words.format(name=name or "Somebody else")
