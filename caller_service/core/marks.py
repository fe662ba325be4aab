"""The names of `Case.marks`: when each thing last happened to a case.

Each comment says what happened; who sets the mark, if not obvious; and what clears it ("stays":
nothing does). The values are stored with the case and never change, whatever the member is called.
"""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """A moment in a case."""

    # what the resident does
    OPENED = "opened"  # their first text; the turn; stays
    HEARD = "heard"  # their latest text; every turn; stays
    WITHDRAWN = "withdrawn"  # the text that took contact back, or stopped texts; stays
    HELP_SAID = "help_said"  # HELP, the keyword; stays
    BARE_911 = "bare_911"  # a text of nothing but 911; stays
    PICTURE = "picture"  # they heard that pictures are not seen; stays
    TOLD_911 = "told_911"  # they were told to call 911; stays
    PARKED = "parked"  # somebody else asked for help with their phone; stays

    UNOPENED = "unopened"  # they wrote, and their earlier words did not open; stays

    # a call of theirs
    ON_LINE = "on_line"  # their call began, or ours to them was answered; stays
    OFF_LINE = "off_line"  # and ended; stays
    TALKING = "talking"  # a human's phone and theirs were joined; stays
    TALKED = "talked"  # and parted; stays

    # their private page
    PAGE_OPEN = "page_open"  # it was opened, or opened again; stays
    PAGE_CLOSED = "page_closed"  # no browser asks for it any more; the worker; stays
    GONE = "gone"  # it stayed closed in danger, with no other safe way; the clock; stays

    # what is asked and said
    ASKED = "asked"  # a question was put; each question; stays
    ASKED_AGAIN = "asked_again"  # "still here?"; the clock; cleared by their next text
    CHECKED = "checked"  # a check question was put; stays
    CHECK_LATE = "check_late"  # it was not answered in time; the clock; stays
    REACHED_ASKED = "reached_asked"  # "did you get through to 911?" was put; stays
    CHECK_ASKED = "check_asked"  # the danger question was put; stays
    PREAMBLE_OWED = "preamble_owed"  # danger came first; the first turn; cleared when it is said
    MINOR_TOLD = "minor_told"  # what people here may have to report; before such a question; stays
    SLOW_SAID = "slow_said"  # the latest answer to a number that is slowed; stays
    WORD = "word"  # the latest text while they wait for a team; stays

    # a danger, and the people who are asked
    FIRST_PAGED = "first_paged"  # people were first asked for this danger; cleared by a lowering
    PAGED = "paged"  # somebody was last asked; each rung; cleared by a lowering
    BACKSTOP_RUNG = "backstop_rung"  # the contracted line was rung; cleared by a human's words
    TRUTH = "truth"  # "nobody has joined yet" was due; the clock; cleared by a new danger
    TRUTH_OWED = "truth_owed"  # it could not be said; cleared when it is, or by a human's words

    # a human has the case
    ACKNOWLEDGED = "acknowledged"  # somebody has it; acceptance, words; cleared when nobody has
    PROMISED = "promised"  # when they said they would be there; cleared by a new time, or none
    LED = "led"  # whoever holds it began to; a human's words from before are another's; stays
    JOINED = "joined"  # the provider took a human's first words; cleared when nobody has it
    JOINED_OWED = "joined_owed"  # "is here and is reading" could not be said; cleared when it is
    LOWERED = "lowered"  # a human lowered the danger; stays
    LAPSED = "lapsed"  # who has it did not come or answer; a clock; cleared when somebody does
    SPOKEN = "spoken"  # a human wrote in this danger; cleared when it is lowered
    NOTED = "noted"  # a human's latest words; stays
    CALLED_911 = "called_911"  # a named human called 911 for the place; stays
    NEUTRAL_SENT = "neutral_sent"  # the one neutral text was sent; stays
    HUMAN_ASKED = "human_asked"  # a human's words asked for an answer; cleared by words that do not
    AWAITS_HUMAN = "awaits_human"  # a text waits for the holder; cleared by the holder's words
    PAUSED = "paused"  # the holder's pause began; cleared by their words
    PAUSE_USED = "pause_used"  # their one pause; cleared by the next holder
    REPLY_PROMPTED = "reply_prompted"  # the holder was prompted to answer; cleared with the holder
    REPLY_LATE = "reply_late"  # and did not, so others were asked; cleared with the holder
    HELD_PROMPTED = "held_prompted"  # nobody writes: the holder was prompted; cleared by words
    HELD_LATE = "held_late"  # and the supervisors were asked; cleared by words
    SHIFT_TOLD = "shift_told"  # the shift of who has it is over; cleared with the holder
    SHIFT_LEFT = "shift_left"  # and it still was theirs; cleared with the holder
    HANDOVER_ASKED = "handover_asked"  # who has it asked somebody to take it; cleared by an answer
    CONTACT_CONFIRMED = "contact_confirmed"  # a human confirmed how they may be reached; stays
    MINOR_REVIEWED = "minor_reviewed"  # a named human looked at a minor's case; stays
    UNLOOKED = "unlooked"  # a team moves and nobody had looked; stays
    ASKED_RESIDENT = "asked_resident"  # dispatch asked them something; stays
    ANSWERED_RESIDENT = "answered_resident"  # and they wrote; their next text; stays

    # a review
    REVIEW = "review"  # a human is to read it; many; cleared when one has
    REVIEW_PAGED = "review_paged"  # somebody was asked by name; cleared by their next text

    # the course of a hand-off: the first ten are set with the status of the same name
    OPEN = "open"
    HANDED_OFF = "handed_off"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    AREA_TOLD = "area_told"  # during the questions: no team goes to their place; stays
    UNPICKED = "unpicked"  # nobody had accepted in time; the clock; cleared by another response
    UNPICKED_TOLD = "unpicked_told"  # and they heard so; cleared by another response
    LADDER_ENDED = "ladder_ended"  # everybody was asked, the choice was put again; the same
    LADDER_TRUTH = "ladder_truth"  # and the truth was said once more; stays
    PROMPTED = "prompted"  # the promised time passed: the unit was prompted; stays
    LATE_TOLD = "late_told"  # and the resident heard so; stays
    LATE_PAGED = "late_paged"  # and the supervisors were asked; stays
    SCENE_PAGED = "scene_paged"  # a team is on the scene for long; stays

    # texts that are not delivered
    LOST = "lost"  # the latest text that was lost was written; stays
    UNTOLD = "untold"  # they missed news; cleared when it reaches them
    NOTE_LOST = "note_lost"  # a human's words were lost; cleared by the next
    NOT_REACHED = "not_reached"  # people were asked to find another way; cleared when texts arrive
    UPDATE_CALLED = "rescued"  # they were called instead; stays

    # erasure, after the end
    ERASE_ASKED = "erase_asked"  # they asked that their words are deleted; stays
    ERASED = "erased"  # and they are, or their time was over; a human, or the clock; stays
    NUMBER_ERASED = "number_erased"  # the time of the number was over; the clock; stays
    ANSWERS_ERASED = "answers_erased"  # the time of the answers was over; the clock; stays
