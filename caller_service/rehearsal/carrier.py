"""Carries texts between phones and the service: texts in by signed webhook, answers and receipts
out."""

import secrets
import threading
from dataclasses import dataclass, field

from .background import Errands
from .carrier_state import START_WORDS, STOP_WORDS, Exchange, Phone, Text
from .twilio_wire import (
    API_VERSION,
    Answered,
    NotTwiml,
    Reply,
    inside,
    parts,
    post_signed,
    read_twiml,
)

BLOCKED = 21610
NOT_REACHED = 30003


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """Settings of the stand-in; durations are in seconds, so that a test can shorten them."""

    account_sid: str
    auth_token: str = field(repr=False)
    service_url: str  # the service's public URL: signed, and posted to
    our_number: str = field(repr=False)
    # more numbers of the account, and Messaging Services with their numbers
    more_numbers: tuple[str, ...] = field(default=(), repr=False, kw_only=True)
    services: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, kw_only=True)
    # number → label, for the phones of staff
    names: dict[str, str] = field(default_factory=dict, repr=False)
    resident: str = field(default="+17205550123", repr=False)
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    read_timeout: float = 15.0
    hang: float = 30.0
    late: float = 20.0
    speed: float = 1.0  # of calls: at 10, what takes ten seconds takes one
    calls_a_second: float = 0.0  # new calls by REST, the others wait; Twilio's default is 1; 0: all
    # What a program sets as Advanced Opt-Out words in Twilio's console.
    stop_reply: str = "No more texts. Your request stays open. 911, 988. START resumes."
    start_reply: str = "Texts are on again."


@dataclass(frozen=True, slots=True)
class TextResult:
    """The result of one text: whether the service answered, and its messages."""

    sid: str
    answered: bool
    status: int
    replies: tuple[Text, ...] = ()
    # if the webhook was delivered twice: whether both answers were the same
    alike: bool | None = None

    def as_json(self) -> dict[str, object]:
        replies = [
            {"sid": text.sid, "body": text.words, "status": text.status} for text in self.replies
        ]
        return {
            "sid": self.sid,
            "answered": self.answered,
            "status": self.status,
            "replies": replies,
            "alike": self.alike,
        }


class Carrier:
    """Carries texts both ways. Thread-safe: the exchange keeps order."""

    def __init__(self, settings: TwilioSettings, exchange: Exchange, errands: Errands) -> None:
        self._settings = settings
        self._exchange = exchange
        self._errands = errands

    def texts(self, phone: Phone, words: str, media: tuple[str, ...] = ()) -> TextResult:
        """Text the program as a person; returns when the service has answered or has failed
        twice."""
        ours = self._settings.our_number
        text = self._exchange.text("inbound", phone.number, ours, words, "received", media=media)
        opt_out = self._carrier_hears(phone, words)
        answered, alike = self._ask_service(text, opt_out)
        self._exchange.set(text, answered_ms=answered.milliseconds if answered.fine else None)
        if not answered.fine:
            what = (
                f"answered with an error ({answered.status})"
                if answered.status
                else "did not answer"
            )
            self._exchange.set(
                text, notice=f"The program's server {what}, twice. Its fallback would speak here."
            )
            self._exchange.note(
                f"The program's server {what} to a text, twice. Twilio's fallback URL would speak "
                f"to the resident now."
            )
            return TextResult(text.sid, False, answered.status, (), alike)
        try:
            replies = read_twiml(answered)
        except NotTwiml as problem:
            self._exchange.note(f"The program's answer to a text was not usable. {problem}.")
            return TextResult(text.sid, False, answered.status, (), alike)
        return TextResult(
            text.sid,
            True,
            answered.status,
            tuple(self._deliver(reply, phone) for reply in replies),
            alike,
        )

    def _carrier_hears(self, phone: Phone, words: str) -> str:
        """Apply STOP and START at the carrier before the service gets the text; returns the
        OptOutType."""
        word = words.strip().upper()
        if word in STOP_WORDS:
            if not phone.blocked:
                self._carrier_says(phone, self._settings.stop_reply)
                self._exchange.block(phone, True)
            return "STOP"
        # YES opts in only after a STOP; at any other time it is a plain answer to a question.
        if word in START_WORDS or (word == "YES" and phone.blocked):
            if phone.blocked:
                self._exchange.block(phone, False)
                self._carrier_says(phone, self._settings.start_reply)
            return "START"
        return ""

    def _carrier_says(self, phone: Phone, words: str) -> None:
        self._exchange.text(
            "outbound-reply",
            self._settings.our_number,
            phone.number,
            words,
            "delivered",
            notice="Said by Twilio itself",
        )

    def _ask_service(self, text: Text, opt_out: str) -> tuple[Answered, bool | None]:
        """Deliver the webhook, again after a failure; with `webhook_twice` the first answer is
        lost."""
        fields = self._webhook_fields(text, opt_out)
        url = self._settings.service_url.rstrip("/") + "/twilio/sms"
        token = secrets.token_hex(16)

        def post() -> Answered:
            return post_signed(
                url, fields, self._settings.auth_token, self._settings.read_timeout, token
            )

        first = post()
        if not first.fine:
            return post(), None
        if not self._exchange.faults.webhook_twice:
            return first, None
        second = post()
        alike = first.fine == second.fine and _reply_words(first) == _reply_words(second)
        if not alike:
            self._exchange.note(
                "One text was delivered twice, and the program's two answers differ."
            )
        return second, alike

    def _webhook_fields(self, text: Text, opt_out: str) -> dict[str, str]:
        fields = {
            "ToCountry": "US",
            "ToState": "CO",
            "SmsMessageSid": text.sid,
            "NumMedia": str(len(text.media)),
            "ToCity": "",
            "FromZip": "",
            "SmsSid": text.sid,
            "FromState": "CO",
            "SmsStatus": "received",
            "FromCity": "",
            "Body": text.words,
            "FromCountry": "US",
            "To": text.receiver,
            "ToZip": "",
            "NumSegments": str(parts(text.words)),
            "MessageSid": text.sid,
            "AccountSid": self._settings.account_sid,
            "From": text.sender,
            "ApiVersion": API_VERSION,
        }
        for place, address in enumerate(text.media):
            fields[f"MediaUrl{place}"] = address
            fields[f"MediaContentType{place}"] = "image/jpeg"
        if opt_out:
            fields["OptOutType"] = opt_out
        return fields

    def _deliver(self, reply: Reply, phone: Phone) -> Text:
        """Deliver one <Message> of the answer, to the writer unless it names another number."""
        to = self._exchange.phone(reply.to) if reply.to else phone
        text = self._exchange.text(
            "outbound-reply",
            self._settings.our_number,
            to.number,
            reply.words,
            "queued",
            callback=reply.callback,
        )
        self.move(text, refused=BLOCKED if to.blocked else None)
        return text

    def send(self, to: str, words: str, callback: str, service_sid: str | None) -> Text:
        """Send a message that the REST API has accepted."""
        ours = self._settings.our_number
        text = self._exchange.text(
            "outbound-api", ours, to, words, "queued", callback=callback, service_sid=service_sid
        )
        self.move(text)
        return text

    def move(self, text: Text, refused: int | None = None) -> None:
        """Move the message to its final state in the background, with a receipt per step as the
        switches say."""
        faults = self._exchange.faults
        if refused:
            steps, error = ["failed"], refused
        elif faults.undelivered:
            steps, error = ["queued", "sent", "undelivered"], NOT_REACHED
        else:
            steps, error = ["queued", "sent", "delivered"], None
        last = steps[-1]

        def errand() -> None:
            self._exchange.set(text, status=last, error_code=error)
            if faults.receipts_missing or not text.callback:
                return
            if faults.receipts_late:
                threading.Event().wait(self._settings.late)
            for step in reversed(steps) if faults.receipts_disordered else steps:
                for _ in range(2 if faults.receipts_twice else 1):
                    self._receipt(text, step, error if step == last else None)

        self._errands.run(errand)

    def _receipt(self, text: Text, status: str, error: int | None) -> None:
        url = inside(self._settings.service_url, text.callback)
        if url is None:
            self._exchange.note(
                "A receipt's address leads outside the program's server; it was not called."
            )
            return
        fields = {
            "SmsSid": text.sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": text.receiver,
            "MessageSid": text.sid,
            "AccountSid": self._settings.account_sid,
            "From": text.sender,
            "ApiVersion": API_VERSION,
        }
        if text.service_sid:
            fields["MessagingServiceSid"] = text.service_sid
        if error:
            fields["ErrorCode"] = str(error)
        answered = post_signed(
            url,
            fields,
            self._settings.auth_token,
            self._settings.read_timeout,
            secrets.token_hex(16),
        )
        if not answered.fine:
            what = f"answered {answered.status}" if answered.status else "did not answer"
            self._exchange.note(f"The program's server {what} to a receipt ({status}).")


def _reply_words(answered: Answered) -> list[str] | None:
    """The words of an answer; None if it is unreadable, so that two unreadable answers count as
    equal."""
    try:
        return [reply.words for reply in read_twiml(answered)]
    except NotTwiml:
        return None
