"""The events of the journal (store/journal.py): every name that an entry can have.

Names are stored: one that is changed needs a migration, and one that is no longer written stays in
old entries, which are read as text.
"""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """What happened, in one word; the details of an entry say more, in codes."""

    # the case
    STATUS = "status"  # it stands at another status
    LEVEL = "level"  # it has another level, or none; `because`: why
    CLOCK = "clock"  # one of its clocks fired
    CLOCK_SET_BACK = "clock_set_back"  # the machine's clock was; its times were moved along
    CONTACTS_JOINED = "contacts_joined"  # two contacts were one person's number
    INCIDENT_TYPE = "incident_type"  # a human chose the type that dispatch reads
    LINKED = "linked"  # it names another case
    ABANDONED = "abandoned"  # closed: nothing was ever known but the silence
    TEST_OVER = "test_over"  # a test case ended
    TEST_NOT_MARKED = "test_not_marked"  # the probe's case was none to the service, and was ended

    # what the resident answers
    ANSWERED = "answered"
    ANSWERED_FOR = "answered_for"  # a human put in an answer for them
    CORRECTS = "corrects"  # the last answer was wrong: it is asked again
    TOO_FAST = "too_fast"  # an answer before the question can have been read
    UNSEEN = "unseen"  # an answer to a question that cannot have reached them
    OFFER_DIFFERS = "offer_differs"  # a bare number, for choices that are not the same any more
    NO_SUCH_CHOICE = "no_such_choice"  # the form sent a choice that it does not offer
    PLACED = "placed"  # a place was given or mended
    PLACE_AGAIN = "place_again"  # a place that was not found on the form: asked for once more
    VAGUE_PLACE = "vague_place"  # coordinates too vague to send a team to
    PLACE_LINK = "place_link"  # a link with which to mark the place was sent

    # what the resident says
    FORM_BEGAN = "form_began"
    WORDS = "words"  # words in the form's own field for them
    REPEATED = "repeated"  # a text came twice, under two ids
    PICTURE = "picture"  # a picture or another file came with a text, and nobody sees it
    SAME_WORDS = "same_words"  # the same words for the fourth time
    PLEADS = "pleads"  # HELP a second time
    QUIET = "quiet"  # they want no text unasked
    ASKED = "asked"  # an ordinary question, as "are you the police"
    ASKED_ABOUT_OTHERS = "asked_about_others"  # somebody asks whether another person wrote
    LEGAL_DEMAND = "legal_demand"  # as a subpoena
    OFFICER = "officer"  # somebody says that they are police or dispatch
    LANGUAGE = "language"  # they chose another language
    LANGUAGE_ASKED = "language_asked"  # they asked which languages there are
    UNREAD_LANGUAGE = "unread_language"  # they write in one that the program does not serve
    WANTS_911 = "wants_911"  # they speak of 911, or sent those digits
    WANTS_911_CALLED = "wants_911_called"  # they cannot call 911 themselves
    CODE_WORD_SET = "code_word_set"
    ASKED_TO_CANCEL = "asked_to_cancel"  # only a human may cancel this one
    CANCELLED = "cancelled"  # they took the request back
    ASKED_TO_DELETE = "asked_to_delete"  # they want their words erased
    UNOPENED = "unopened"  # what they wrote before does not decrypt
    PARKED = "parked"  # somebody else uses the phone
    CAME_BACK = "came_back"  # a human knows that the first person has the phone again
    PHONE_AGAIN = "phone_again"  # the phone of a parked case writes again

    # contact
    WITHDRAWN = "withdrawn"  # contact was taken back, in words
    CONTACT_OFFERED = "contact_offered"  # and given back: a human decides
    CONTACT_OPENED = "contact_opened"  # and given back, with the code word
    OPTED_OUT = "opted_out"  # they stopped our texts
    OPTED_IN = "opted_in"  # they want texts again
    SAME_NUMBER = "same_number"  # the number in the form has an open request already
    NUMBER_CONFIRMED = "number_confirmed"  # the word that was texted was typed in the form
    HELD_BACK = "held_back"  # something was not said to them: it was not safe
    CANNOT_TEXT = "cannot_text"  # texts do not reach them; `why`
    CAN_TEXT = "can_text"  # texts reach them again
    TEXT_LOST = "text_lost"  # a text did not arrive, and is said again
    RESCUE_CALL = "rescue_call"  # they are called with the news that texts did not bring
    RESCUE_HEARD = "rescue_heard"  # and heard it
    NOT_REACHED = "not_reached"  # nothing of ours reaches them
    CHECK_UNANSWERED = "check_unanswered"  # "are you safe?" and no answer
    PAGE_CLOSED = "page_closed"  # no browser shows their page any more
    PAGE_OPEN = "page_open"  # one shows it again
    GONE = "gone"  # in danger, and their page stays closed

    # asking people
    PAGED = "paged"  # a rung of a ladder was asked
    NOBODY_ON_SHIFT = "nobody_on_shift"  # so everybody on the ladder is asked
    PAGE_LOST = "page_lost"  # a page did not reach somebody: the next person is asked
    ALERT_LOST = "alert_lost"  # nor did an alert about a danger whoever has it
    TRUTH_TOLD = "truth_told"  # they were told that nobody has joined yet
    BACKSTOP = "backstop"  # the round-the-clock line was called
    BLOCKED = "blocked"  # no team can come; `reason`
    UNPICKED = "unpicked"  # no team has accepted in time
    LADDER_ENDED = "ladder_ended"  # nor has anybody else on the ladder
    REVIEW_LATE = "review_late"  # nobody has read it in time
    MOVED_UNLOOKED = "moved_unlooked"  # a team moves, and no human has looked at the case
    CALL_DROPPED = "call_dropped"  # a call to somebody was not wanted any more
    CALL_DEAD = "call_dead"  # a call to somebody was refused, out of tries or lost

    # whoever has the case
    ACCEPTED = "accepted"
    DECLINED = "declined"
    PASSED_ON = "passed_on"
    ASKED_ANOTHER = "asked_another"  # another human is asked to come as well
    TOOK_OVER = "took_over"
    HANDED_OVER = "handed_over"
    HANDOVER_ASKED = "handover_asked"  # a named person is asked to take it over
    HANDOVER_TAKEN = "handover_taken"
    HANDOVER_DECLINED = "handover_declined"
    HANDOVER_LATE = "handover_late"  # they did not answer in time
    RELEASED = "released"  # given back to the ladder
    JOINED = "joined"  # a human's words reached them, or a human is on the line with them
    NOT_JOINED = "not_joined"  # whoever took it did not come
    NOTE = "note"  # a human wrote to them
    NOTE_ARRIVED = "note_arrived"  # words that were thought lost did arrive
    ASKED_RESIDENT = "asked_resident"  # a human asked them something before accepting
    PAUSED = "paused"  # a pause in the conversation was announced
    HOLDER_PROMPTED = "holder_prompted"  # reminded: they wait for an answer
    HOLDER_SILENT = "holder_silent"  # the reminder did not help
    HELD_SILENT = "held_silent"  # neither side writes
    SHIFT_ENDS = "shift_ends"  # the shift of whoever has a danger
    SHIFT_ENDED = "shift_ended"  # and they have it still
    RAISED = "raised"
    LOWERED = "lowered"
    LIFTED = "lifted"  # nobody watches them any more
    REVIEWED = "reviewed"
    MINOR_REVIEWED = "minor_reviewed"  # a named human looked at a minor's case
    TEAM = "team"  # a team was chosen
    STATUS_BY = "status_by"  # the status was set by hand; "delayed" is none of the case's
    STATUS_BY_CALL = "status_by_call"  # they asked on the phone how it stands
    UNIT_PROMPTED = "unit_prompted"  # the team was reminded of the promised time
    LATE_SUPERVISOR = "late_supervisor"  # the team is late, and the supervisor is asked
    LONG_ON_SCENE = "long_on_scene"  # somebody is to look after the team
    CALLED_911 = "called_911"  # a human calls 911 for this place
    PSAP_ASKED = "psap_asked"  # a human calls the PSAP: their own phone rings first
    PSAP_RUNG = "psap_rung"  # they pressed 1, and the PSAP is rung
    PSAP_OVER = "psap_over"  # that call is over; `how`
    POLICE_CORRECTED = "police_corrected"  # what is recorded of police, after the end
    CARE_NOTE = "care_note"  # the care note of this person was changed
    SLOWED = "slowed"  # how often this number is answered was changed

    # calls of residents
    CALL_BEGAN = "call_began"
    CALL_ANSWERED = "call_answered"  # a call of ours, by them
    CALL_ENDED = "call_ended"
    PARTED = "parted"  # a human's talk with them ended
    LINE_CUT = "line_cut"  # the human is gone and the caller is not
    PUT_THROUGH = "put_through"  # to 988, or to the PSAP
    QUEUE_FAILED = "queue_failed"  # the provider could not let them wait
    GOES_ON_BY_TEXT = "goes_on_by_text"

    # calls to residents
    CALLBACK_ASKED = "callback_asked"  # they want one where calling was not called safe
    CALLBACK_BOOKED = "callback_booked"
    CALLBACK_CANCELLED = "callback_cancelled"
    CALLBACK_OUTCOME = "callback_outcome"  # what a human says of it
    CALLBACK_OVER = "callback_over"  # kept, or every attempt came to nothing
    CALL_NOW = "call_now"  # somebody calls them at once
    CALL_REVIEWED = "call_reviewed"  # somebody looked at a call that nobody answered

    # destinations
    DELIVERED = "delivered"
    DELIVERY_DEAD = "delivery_dead"  # refused, or out of tries

    # words that are erased or kept
    ERASED = "erased"
    NUMBER_ERASED = "number_erased"
    ANSWERS_ERASED = "answers_erased"
    HELD_BY_LAW = "held_by_law"
    RELEASED_BY_LAW = "released_by_law"

    # who read what
    READ = "read"
    READ_CONVERSATION = "read_conversation"
    READ_CALLS = "read_calls"
    READ_EIDO = "read_eido"
    LISTED = "listed"  # a list: its first and last case, and how many
    SEARCHED = "searched"  # by reference or number: how many cases, also none

    # accounts of the staff
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    CODE_REFUSED = "code_refused"
    RECOVERY_CODE_USED = "recovery_code_used"
    UNLOCKED = "unlocked"
    UNLOCK_REFUSED = "unlock_refused"
    STEPPED_UP = "stepped_up"  # password and code, again
    STEP_UP_REFUSED = "step_up_refused"
    SESSION_ENDED = "session_ended"
    SESSIONS_ENDED = "sessions_ended"  # all of somebody's
    LEFT_SHIFT = "left_shift"  # they signed out with open cases
    LINK_USED = "link_used"  # the one-time link of an account
    PASSWORD_SET = "password_set"
    PASSWORD_REFUSED = "password_refused"
    PIN_SET = "pin_set"
    TOTP_SET = "totp_set"
    TOTP_REMOVED = "totp_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    PERSON_ADDED = "person_added"
    PERSON_RESET = "person_reset"
    PERSON_ROLE = "person_role"  # another role
    PERSON_DISABLED = "person_disabled"
    PERSON_ENABLED = "person_enabled"


# Details that stay when a resident's answers are erased: who acted, on whom, when, and the outcome.
# All others may hold what the resident answered, or what was concluded from it.
LASTING = frozenset({
    "by", "to", "from", "name", "time", "ladder", "team", "clock", "outcome", "how", "leg", "days",
    "hours", "destination", "revision", "police", "asked_by", "told",
})  # fmt: skip
