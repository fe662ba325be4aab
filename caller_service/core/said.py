"""What was said in a case, or noticed by a clock: the values of `Case.said`.

Each line says what it means and who adds it; it stays unless the line says what takes it back. The
values are stored, and the protocol names them (`said = […]`): they keep their words whatever the
member is called. Dangers and markers are found by the word data (`translations/*/speech.toml`,
checked when it is read): code names here what it asks about.
"""

from __future__ import annotations

from enum import StrEnum


class Said(StrEnum):
    """One thing that was said or noticed."""

    # a kind of danger in free text, in the order it is told to dispatch
    BREATHING = "breathing"  # they do not breathe or wake, or bleed badly
    OVERDOSE = "overdose"  # too much was taken
    ATTEMPT = "attempt"  # somebody has begun to kill themselves
    SUICIDE = "suicide"  # somebody wants to die
    VIOLENCE = "violence"  # somebody is hurt or threatened now
    ABUSE = "abuse"  # somebody in their care, or at home, is hurt
    WEAPON = "weapon"  # a weapon in somebody's hands
    OWN_WEAPON = "own_weapon"  # a weapon, and nobody else is meant
    HIDING = "hiding"  # they hide from somebody
    UNSAFE = "unsafe"  # a call or text may put them in danger; a human's new terms take it back
    PLACE = "place"  # a dangerous place: a road, a height, water, fire
    THREAT_STAFF = "threat_staff"  # who comes is threatened
    EMERGENCY_HIDDEN = "emergency_hidden"  # only stored by an older release; read as violence

    # a marker in free text: a team is told of it
    HEARS_OR_SEES = "hears_or_sees"  # they hear or see what others do not
    HIGH = "high"  # drunk or on drugs
    HEAT_OR_COLD = "heat_or_cold"  # in heat or cold
    PREGNANT = "pregnant"
    FRAIL = "frail"  # old and alone
    MINOR = "minor"  # under 18
    DISCLOSURE = "disclosure"  # of abuse that may have to be reported

    # what the resident asked for, by a command or inside a sentence
    PERSON = "person"  # a person; also a choice that needs one
    WORSE = "worse"  # it got worse
    WATCHED = "watched"  # somebody reads along; a named human takes it back
    EMERGENCY_FOR_ME = "emergency_for_me"  # to call 911 for them
    HELP = "help"  # HELP before anything was asked: perhaps a plea
    ASKED_TO_CANCEL = "asked_to_cancel"  # to cancel, in danger: a human answers
    STOPPED_IN_WORDS = "stopped_in_words"  # no texts, in no word of the carrier's; START, the same
    OFFICER = "officer"  # they are police or dispatch
    LEGAL = "legal"  # a legal demand

    # what a clock noticed
    SILENT_DANGER = "silent_danger"  # silence after a sign of danger
    SILENT_911 = "silent_911"  # silence after a bare "911"
    QUIET = "quiet"  # silence in the middle of the questions; their next text takes it back
    CHECK_UNANSWERED = "check_unanswered"  # the question behind the words was not answered

    # what a turn noticed
    STORY = "story"  # words that answer nothing
    WROTE_AGAIN = "wrote_again"  # after the questions were over, or while a human held it
    UNREAD_LANGUAGE = "unread_language"  # a language the program does not serve
    UNREAD_TWICE = "unread_twice"  # and a second text in it
    WRITES_OFTEN = "writes_often"  # many cases of this number in a short time; a new case
    SAME_WORDS = "same_words"  # the same words again and again
    CARE_NOTE = "care_note"  # a human left words on this number; a new case


DANGER_KINDS = tuple(Said)[: tuple(Said).index(Said.THREAT_STAFF) + 1]
MARKERS = (
    Said.HEARS_OR_SEES, Said.HIGH, Said.HEAT_OR_COLD, Said.PREGNANT, Said.FRAIL, Said.MINOR,
    Said.DISCLOSURE,
)  # fmt: skip
