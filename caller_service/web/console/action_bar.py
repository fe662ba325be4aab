"""The action bar of a case: one main act for each stage, at most three beside it, the rest under
More. An act that is not allowed now is shown with the reason (deeds.why_not)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_changes

from caller_service.core.case import Case
from caller_service.core.desk import Stage


@dataclass(frozen=True, slots=True)
class Button:
    """One button. `send`: the label of its form's submit button; "" if it has no form. `deed` is
    empty for the buttons that lead to the message field. `key`: a keyboard shortcut, only in the
    bar itself."""

    deed: str
    words: str
    send: str = ""
    key: str = ""
    main: bool = False


BUTTONS: Mapping[str, Button] = {
    "take": Button("take", "Take it", key="a"),
    "take_in": Button("take", "Take, in … minutes", "Take it"),
    "decline": Button("decline", "Decline", "Decline"),
    "first_words": Button("", "Send first words"),
    "write": Button("", "Write"),
    "take_over": Button("take_over", "Take over"),
    "ask_another": Button("ask_another", "Another human", key="h"),
    "give_back": Button("give_back", "Give it back", key="u"),
    "hand_over": Button("hand_over", "Hand over", "Hand it over"),
    "ask_to_take": Button("ask_to_take", "Ask somebody to take it", "Ask them"),
    "pause": Button("pause", "Pause for ten minutes"),
    "assign": Button("assign", "Send a team", "Send it", "t"),
    "status": Button("status", "Next status", "Note it", "s"),
    "late": Button("late", "Late, new time", "Say it is late"),
    "raise": Button("raise", "Raise", "Raise it"),
    "lower": Button("lower", "Lower", "Lower it", "l"),
    "place": Button("place", "Set the place", "Set it"),
    "place_link": Button("place_link", "Text a link to mark the place"),
    "call_911": Button("call_911", "Call 911 for this place", "Note it, and show the number"),
    "callback": Button("callback", "Promise a call", "Promise it"),
    "reviewed": Button("reviewed", "I have read it"),
    "minor": Button("minor", "I have looked, a team may go"),
    "contact": Button("contact", "How to reach them", "Note it"),
    "lift": Button("lift", "Nobody watches them", "I am sure"),
    "care_note": Button("care_note", "Care note for this number", "Keep it"),
    "slow": Button("slow", "Slow this number", "Slow it"),
    "link": Button("link", "Link with a case", "Link them"),
    "same_person": Button("same_person", "It is them again", "It is them"),
    "close": Button("close", "Close", "Close it", "c"),
    "correct": Button("correct", "Correct what is recorded of police", "Correct it"),
    "erase": Button("erase", "Erase the words", "Erase them for good"),
    "hold": Button("hold", "Legal hold", "Hold it"),
    "release": Button("release", "Lift the legal hold", "Lift it"),
}

# the first is the main act
BAR: Mapping[Stage, Sequence[str]] = {
    Stage.NOBODY: ("take", "take_in", "decline"),
    Stage.TAKEN: ("first_words", "ask_another", "give_back"),
    Stage.LIVE_DANGER: ("assign", "call_911", "ask_another", "lower"),
    Stage.LIVE: ("assign", "callback", "give_back"),
    Stage.MOVING: ("status", "late", "write"),
    Stage.THERE: ("close", "status"),
    Stage.ENDED: (),
}

# in this order, each unless it is in the bar; "close" is beside More
MORE = (
    "reviewed", "minor", "ask_another", "give_back", "take_over", "ask_to_take", "hand_over",
    "pause", "decline", "assign", "status", "late", "raise", "lower", "call_911", "place",
    "place_link", "contact", "callback", "lift", "link", "same_person", "care_note", "slow",
)  # fmt: skip

Shown = Callable[[Case, bool], bool]
# conditions for showing an act under More: of the case, and of whether the viewer has it
_SHOWN: Mapping[str, Shown] = {
    "reviewed": lambda case, mine: case.review,
    "minor": lambda case, mine: case.needs_look,
    "give_back": lambda case, mine: mine,
    "ask_to_take": lambda case, mine: mine,
    "hand_over": lambda case, mine: mine,
    "pause": lambda case, mine: mine,
    "take_over": lambda case, mine: not mine,
    "late": lambda case, mine: case.human_has_it,
    "lower": lambda case, mine: case.in_danger,
    "lift": lambda case, mine: case.watched,
    "same_person": lambda case, mine: case.parked,
}


@dataclass(frozen=True, slots=True)
class Bar:
    """The buttons in the bar, under More, and beside it."""

    bar: Sequence[Button]
    more: Sequence[Button]
    close: Button | None


# the bar of somebody whom the holder of the case has asked to take it over
ASKED = ("take", "take_in", "decline")


def bar_of(case: Case, stage: Stage, name: str) -> Bar:
    """The bar as `name` sees it: who has the case, is asked to take it over, or neither."""
    mine = name in (case.holder, case.accepted_by)
    asked = case.handover_asked == name and stage != Stage.ENDED
    names = list(ASKED if asked else BAR[stage])
    if names and names[0] == "first_words" and not mine:
        names[0] = "take_over"
    shown = [with_changes(BUTTONS[name], main=not place) for place, name in enumerate(names)]
    if stage == Stage.ENDED:
        held = "release" if case.legal_hold else "hold"
        return Bar(shown, [BUTTONS["correct"], BUTTONS["erase"], BUTTONS[held]], None)
    more = [
        with_changes(BUTTONS[name], key="")
        for name in MORE
        if name not in names and _SHOWN.get(name, _always)(case, mine)
    ]
    return Bar(shown, more, None if "close" in names else BUTTONS["close"])


def _always(case: Case, mine: bool) -> bool:
    return True
