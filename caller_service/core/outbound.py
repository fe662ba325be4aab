"""The states of texts, calls, callbacks and deliveries.

Each member says what the state means, who sets it, and what may follow ("": nothing);
`docs/states.md` is generated from them. The values are stored and never change, whatever the member
is called. Receipts (`RECEIPT`) use the provider's own words and may follow any earlier state
(`RANKS` in store/messages.py and store/calls.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

RECEIPT = "the provider's receipt"


class _State(StrEnum):
    """A stored value with its meaning, who sets it, and what may follow."""

    _value_: str
    meaning: str
    set_by: str
    follows: str

    def __new__(cls, value: str, meaning: str = "", set_by: str = "", follows: str = "") -> _State:
        state = str.__new__(cls, value)
        state._value_ = value
        state.meaning, state.set_by, state.follows = meaning, set_by, follows
        return state


class TextState(_State):
    """`message.state`."""

    HEARD = "heard", "received from somebody", "the turn", ""
    REPLIED = "replied", "said in the webhook's own answer", "the turn", "waiting"
    WAITING = "waiting", "to be sent", "a decision; a failed try", "trying, held, overtaken"
    TRYING = "trying", "a try began", "the try", "queued, waiting, held, overtaken, dead"
    HELD = "held", "must not be sent: safe contact, a test case", "a decision; the try", ""
    ON_PAGE = "on_page", "waits on their private page", "a decision", "read"
    OVERTAKEN = "overtaken", "a newer update says more", "the try", ""
    DEAD = "dead", "refused, or out of tries", "the try", ""
    ACCEPTED = "accepted", "the provider has it", RECEIPT, "a later receipt"
    SCHEDULED = "scheduled", "the provider has it for later", RECEIPT, "a later receipt"
    QUEUED = "queued", "the provider took it", "the try; " + RECEIPT, "trying, a later receipt"
    SENDING = "sending", "the provider is sending it", RECEIPT, "a later receipt"
    SENT = "sent", "the carrier has it", RECEIPT, "a later receipt"
    FAILED = "failed", "could not be sent", RECEIPT, "delivered, read"
    UNDELIVERED = "undelivered", "did not reach the phone", RECEIPT, "delivered, read"
    CANCELED = "canceled", "cancelled at the provider", RECEIPT, "delivered, read"
    DELIVERED = "delivered", "reached the phone", RECEIPT, "read"
    READ = "read", "was opened on the phone", RECEIPT, ""


class CallState(_State):
    """`call.state`."""

    WAITING = "waiting", "to be made", "a decision; a failed try", "trying, dropped"
    TRYING = "trying", "a try began", "the try", "queued, waiting, dropped, dead"
    DROPPED = "dropped", "no longer wanted", "the try", ""
    DEAD = "dead", "refused, out of tries, or lost", "the try; the check", ""
    QUEUED = "queued", "the provider took it", "the try; " + RECEIPT, "dead, a later receipt"
    INITIATED = "initiated", "the provider is dialing", RECEIPT, "dead, a later receipt"
    RINGING = "ringing", "the phone rings", RECEIPT, "dead, a later receipt"
    IN_PROGRESS = "in-progress", "answered", RECEIPT + "; the answer", "dead, a later receipt"
    COMPLETED = "completed", "was answered, and is over", RECEIPT, ""
    BUSY = "busy", "the line was busy", RECEIPT, ""
    FAILED = "failed", "could not be connected", RECEIPT, ""
    NO_ANSWER = "no-answer", "nobody picked up", RECEIPT, ""
    CANCELED = "canceled", "ended before anybody picked up", RECEIPT, ""


class CallbackState(_State):
    """`callback.state`: a call to the resident that was promised."""

    WAITING = (
        "waiting",
        "the next attempt has a time",
        "the booking; an attempt",
        ("ringing, done, cancelled"),
    )
    RINGING = "ringing", "an attempt is under way", "the attempt", "waiting, done, cancelled"
    DONE = "done", "over: its outcome says how", "the attempt; a human", ""
    CANCELLED = "cancelled", "no longer wanted, or the case ended", "staff; a decision", ""


class DeliveryState(_State):
    """`delivery.state`: a revision of a hand-off on its way to one destination."""

    WAITING = "waiting", "to be posted", "a decision; a replay; a try to repeat", "trying"
    TRYING = "trying", "a try began", "the try", "received, waiting, dead"
    UNREAD = "unread", "waits on a page to be read", "a decision", "received"
    RECEIVED = "received", "the destination has it", "the try; opening the page", ""
    DEAD = "dead", "out of tries", "the try", "waiting"


UNSENT = (TextState.WAITING, TextState.TRYING)  # texts that are still to be sent
NOT_MADE = (CallState.WAITING, CallState.TRYING)  # calls that may not have been made yet
# deliveries that their destination may not have yet
NOT_RECEIVED = (DeliveryState.WAITING, DeliveryState.TRYING)

# `WAITING`, `TRYING` and `DEAD` mean the same for texts and calls.
SentState = TypeVar("SentState", TextState, CallState)
