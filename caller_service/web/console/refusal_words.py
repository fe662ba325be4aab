"""Why the console refuses an act, for staff: one sentence for each code. A page can override single
sentences."""

from __future__ import annotations

from collections.abc import Mapping

from caller_service.web.shared.refusal_words import ALIKE

REFUSALS = {
    **ALIKE,
    "not_there": "{name} is not signed in, and has no phone on shift: they would not hear it.",
    "too_long": "A care note lasts 30 days at most, a slowed number 12 hours.",
    "taken": "{name} has it.",
    "outcome_needed": "Closing needs an outcome. After danger, one that says how the person is.",
    "may_not_text": "They may not be written to now.",
    "held": "{name} holds the conversation. Take it over first.",
    "no_such_person": "Nobody of that name is on the ladder.",
    "off_duty": "{name} is not on shift. Ask somebody to take it who is.",
    "full": "You hold three dangers. Hand one over first.",
    "full_other": "{name} holds three dangers already.",
    "service_needed": "Say which service goes on with them, as the reason.",
    "police_needed": "Say if police were there. If they were, say who asked for them, and if the "
    "person was told before.",
    "report_needed": "A child or an old person was said to be hurt. Say whether it was reported, "
    "who did, and when.",
    "tell_needed": "Say if they are told before 911 is called.",
    "why_not_needed": "Not to tell them needs a reason of its own.",
    "cannot_tell": "They may not be written to now. Tell them in another way, or say why not.",
    "own": "It is about your own phone. Somebody else must take it.",
    "own_other": "It is about the phone of {name}. Choose somebody else.",
    "not_asked": "You are not asked for it any more.",
    "phone_in_use": "Somebody is in danger on that phone now. Speak with whoever has that case.",
    "no_such_team": "Choose a team.",
    "not_higher": "It is as urgent as that already.",
    "held_by_law": "There is a legal hold. Lift it first.",
    "kept_by_law": "A law keeps the words for longer.",
    "under_way": "A text is still to be sent. Try again in a minute.",
    "no_such_case": "No other case has this reference.",
    # calls
    "not_noted": "Note first why 911 is called, and if they know.",
    "no_line": "No line of the 911 center is known for this place: dial 911, and say the place.",
    "may_not_call": "They have not said that calling is safe, or took it back.",
    "on_line": "They are in a call with us now.",
    "no_phone": "No phone of yours is known here: dial the number, or 911, and say the place.",
    "phone_busy": "Your phone is in a call with us. Hang up first.",
    "no_number": "No number of theirs is known.",
    "rings": "It is being rung already.",
    "not_tried": "Nobody has tried yet. Only “We spoke” can be noted before an attempt.",
    "no_such_outcome": "Choose what came of it.",
    "looked_at": "{name} has looked at it already.",
    "no_such_call": "There is no such call.",
}


def refusal_words(code: str, name: str = "", here: Mapping[str, str] | None = None) -> str:
    """Why an act is refused. `name`: whose case or role is the reason; `here`: the sentences that
    this page overrides."""
    words = (here or {}).get(code) or REFUSALS[code]
    return words.format(name=name or "Somebody else")
