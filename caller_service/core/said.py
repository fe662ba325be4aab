"""The values of `Case.said`: what was said in a case, or noticed by a clock.

Each comment says what the value means and what removes it; otherwise it stays. The values are
stored, and protocols name them (`said = […]`), so they never change, whatever the member is called.
Dangers and markers are found by the word data (`translations/*/speech.toml`, which is checked when
it is loaded); only those that code asks about are listed here.
"""

from __future__ import annotations

from enum import StrEnum


class Said(StrEnum):
    """One thing that was said or noticed."""

    # a kind of danger in free text, in the order reported to dispatch
    BREATHING = "breathing"  # not breathing, unconscious, or bleeding badly
    OVERDOSE = "overdose"  # too much was taken
    ATTEMPT = "attempt"  # somebody has begun to kill themselves
    SUICIDE = "suicide"  # somebody wants to die
    VIOLENCE = "violence"  # somebody is hurt or threatened now
    ABUSE = "abuse"  # somebody in their care, or at home, is hurt
    WEAPON = "weapon"  # a weapon in somebody's hands
    OWN_WEAPON = "own_weapon"  # a weapon, and nobody else is meant
    HIDING = "hiding"  # they hide from somebody
    UNSAFE = "unsafe"  # a call or text may endanger them; removed by a human's new terms
    PLACE = "place"  # a dangerous place: a road, a height, water, fire
    THREAT_STAFF = "threat_staff"  # the team is threatened
    EMERGENCY_HIDDEN = "emergency_hidden"  # only stored by an older release; read as violence

    # a marker in free text, reported to the team
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
    WATCHED = "watched"  # somebody reads along; removed by a named human
    EMERGENCY_FOR_ME = "emergency_for_me"  # that we call 911 for them
    HELP = "help"  # HELP before anything was asked: perhaps a plea
    ASKED_TO_CANCEL = "asked_to_cancel"  # to cancel, in danger: a human decides
    STOPPED_IN_WORDS = "stopped_in_words"  # no texts, in words carriers ignore; START removes it
    OFFICER = "officer"  # they are police or dispatch
    LEGAL = "legal"  # a legal demand

    # what a clock noticed
    SILENT_DANGER = "silent_danger"  # silence after a sign of danger
    SILENT_911 = "silent_911"  # silence after a bare "911"
    QUIET = "quiet"  # silence before all questions were answered; removed by their next text
    HUNG_UP = "hung_up"  # a call ended in the middle of the questions; removed by their next answer
    CHECK_UNANSWERED = "check_unanswered"  # a check question was not answered

    # what a turn noticed
    STORY = "story"  # words that answer nothing
    WROTE_AGAIN = "wrote_again"  # a text after the screening, or while a human held it
    NO_TEAM = "no_team"  # the team that came is not to be seen; removed when a human has read it
    UNREAD_LANGUAGE = "unread_language"  # a language the program does not serve
    UNREAD_TWICE = "unread_twice"  # and a second text in it
    WRITES_OFTEN = "writes_often"  # many cases of this number in a short time; set on a new case
    AFTER_DANGER = "after_danger"  # their last request was a danger, lately; set on a new case
    SAME_WORDS = "same_words"  # the same words again and again
    CARE_NOTE = "care_note"  # a human left a note on this number; set on a new case


DANGER_KINDS = tuple(Said)[: tuple(Said).index(Said.THREAT_STAFF) + 1]
MARKERS = (
    Said.HEARS_OR_SEES, Said.HIGH, Said.HEAT_OR_COLD, Said.PREGNANT, Said.FRAIL, Said.MINOR,
    Said.DISCLOSURE,
)  # fmt: skip
