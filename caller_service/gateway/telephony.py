"""Outbound texts and calls, by Twilio's REST API. Failures are translated into four meanings:
never, stopped, later, look first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from caller_service.core.phone_numbers import refused_number

from .batched_lookup import BatchedLookup, SentMessage
from .bounded_http import bound

TIMEOUT = 10.0  # seconds for one whole request: the SDK has no limit
PAGE = 1000  # texts or calls in one response
LONGEST_ANSWER = 16_777_216  # bytes of such a page
LISTED = 20_000  # texts or calls that are listed at most: twenty pages
REAL_API = "https://api.twilio.com"


class TelephonyError(Exception):
    """A text or a call failed. The subclass says what to do about it; `code` is Twilio's, or
    ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NumberCannotReceive(TelephonyError):
    """Never: a landline that cannot receive texts, an invalid number, or one that we may not
    call."""


class ContactStopped(TelephonyError):
    """The recipient has opted out with the carrier."""


class RetryLater(TelephonyError):
    """Not now: nothing was created, so it is safe to try again."""


class OutcomeUnknown(TelephonyError):
    """It is not known whether it was created: look it up before sending again."""


TWILIO_MEANS: Mapping[int, type[TelephonyError]] = {
    21211: NumberCannotReceive, 21217: NumberCannotReceive, 21614: NumberCannotReceive,
    21202: NumberCannotReceive, 30006: NumberCannotReceive, 21408: NumberCannotReceive,
    21610: ContactStopped, 20429: RetryLater, 21214: NumberCannotReceive,
    21215: NumberCannotReceive, 21216: NumberCannotReceive, 13223: NumberCannotReceive,
    13224: NumberCannotReceive,
}  # fmt: skip


NO_SUCH_RECORD = ("twilio 20404", "twilio 404")  # `TelephonyError.code`
ENDED_CALLS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class MissedText:
    """A text that the provider received for us; `to`: which of our numbers it was sent to."""

    sid: str
    number: str = field(repr=False)
    words: str = field(repr=False)
    at: datetime
    to: str = ""
    picture: bool = False  # a picture or another file came with it


@dataclass(frozen=True, slots=True)
class NumberSettings:
    """How Twilio handles texts and calls to one of our numbers: the URLs and methods that are
    configured, "" for none. A URL may hold a password, so none is shown in `repr`."""

    number: str
    sms_url: str = field(repr=False)
    sms_method: str
    sms_fallback_url: str = field(repr=False)
    sms_application_sid: str
    voice_url: str = field(repr=False)
    voice_method: str
    voice_application_sid: str
    status_callback: str = field(repr=False)
    status_callback_method: str
    texts: bool  # can the number receive texts at all?
    calls: bool


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The same for a Messaging Service, with its numbers."""

    sid: str
    inbound_request_url: str = field(repr=False)
    inbound_method: str
    fallback_url: str = field(repr=False)
    status_callback: str = field(repr=False)
    by_number: bool  # texts go to the URL of each number, not to inbound_request_url
    numbers: tuple[str, ...]


class _Elsewhere(TwilioHttpClient):
    """Sends requests to another host, the stand-in of a rehearsal: the SDK has no option for its
    base URL."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=TIMEOUT)
        bound(self.session, TIMEOUT, LONGEST_ANSWER)
        self.logger.disabled = True  # it would log numbers and words
        self._api = urlsplit(api_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        asked = urlsplit(url)
        netloc, product = self._api.netloc, (asked.hostname or "").partition(".")[0]
        if netloc.startswith("api.") and netloc.endswith(".twilio.com"):
            netloc = f"{product}.{netloc.removeprefix('api.')}"  # messaging.twilio.com
        return super().request(
            method,
            urlunsplit((self._api.scheme, netloc, asked.path, asked.query, "")),
            *args,
            **kwargs,
        )


@dataclass(frozen=True, slots=True)
class Ring:
    """How to call somebody. The URLs are ours and carry only ids. Times are in seconds: how long it
    rings, and how long it may last."""

    url: str = field(repr=False)  # requested when a person or a machine answers
    receipts_url: str = field(repr=False)
    rings: int
    lasts: int
    to_the_beep: bool = False  # wait for a voicemail's beep, so that a message can be left
    ours: str = ""  # the number it is made from; "": the first


class Telephony:
    """Sends texts and makes calls from the program's numbers; texts also from a Messaging
    Service."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender: str,
        api_url: str = REAL_API,
        api_key: str = "",
        api_secret: str = "",
    ) -> None:
        client: HttpClient = _Elsewhere(api_url)
        self._client = Client(
            api_key or account_sid, api_secret or auth_token, account_sid, http_client=client
        )
        self._sender = sender
        self._texts = BatchedLookup(self._texts_since)
        self._calls = BatchedLookup(self._calls_since)

    def __repr__(self) -> str:
        return "Telephony()"

    def text(self, number: str, words: str, receipts_url: str, ours: str = "") -> str:
        """Send one text and return its SID. `ours`: the number or Messaging Service to send it
        from; "" for the first. Raises a TelephonyError."""
        ours = ours or self._sender
        sender = {"messaging_service_sid": ours} if ours.startswith("MG") else {"from_": ours}
        return str(
            _asked(
                lambda: (
                    self._client.messages.create(
                        to=number, body=words, status_callback=receipts_url, **sender
                    ).sid
                )
            )
        )

    def find(self, number: str, words: str, since: datetime) -> list[str]:
        """The SIDs of texts that may be one we already sent, oldest first: same number, same words,
        not older than `since`.

        Raises RetryLater if that cannot be known now.
        """
        return [
            made.sid
            for made in _known(self._texts.since(since))
            if made.number == number and made.words == words
        ]

    def _texts_since(self, since: datetime) -> list[SentMessage]:
        # a filter by number would put the number into the URL
        listed = self._client.messages.list(date_sent_after=since, page_size=PAGE, limit=LISTED)
        # sent by TwiML: a reply may have the same text
        made = (sent for sent in reversed(listed) if sent.direction != "outbound-reply")
        return [
            SentMessage(
                str(sent.sid), sent.date_sent or sent.date_created, str(sent.to), str(sent.body)
            )
            for sent in made
        ]

    @property
    def can_call(self) -> bool:
        """Is there a number to call from? A Messaging Service has none."""
        return self._sender.startswith("+")

    def call(self, number: str, ring: Ring, ours: str = "") -> str:
        """Call a number and return the call's SID. `ours`: the number to call from; "" or a
        Messaging Service, which cannot call, means the first number. 911 and other service codes
        are never called. Raises a TelephonyError."""
        if refused_number(number):
            raise NumberCannotReceive("refused")
        caller = ours if ours.startswith("+") else self._sender
        return str(
            _asked(
                lambda: (
                    self._client.calls.create(
                        to=number,
                        from_=ring.ours or caller,
                        url=ring.url,
                        method="POST",
                        status_callback=ring.receipts_url,
                        status_callback_method="POST",
                        status_callback_event=["initiated", "ringing", "answered", "completed"],
                        machine_detection="DetectMessageEnd" if ring.to_the_beep else "Enable",
                        timeout=ring.rings,
                        time_limit=ring.lasts,
                    ).sid
                )
            )
        )

    def find_calls(self, number: str, since: datetime) -> list[str]:
        """The SIDs of calls that may be one we already made, oldest first: to this number, started
        since then or still queued (a queued call has no time yet). Raises RetryLater if that cannot
        be known now."""
        return [made.sid for made in _known(self._calls.since(since)) if made.number == number]

    def _calls_since(self, since: datetime) -> list[SentMessage]:
        # first: a call that starts meanwhile is in the second list
        queued = self._client.calls.list(status="queued", page_size=PAGE, limit=LISTED)
        listed = [
            *queued,
            *self._client.calls.list(start_time_after=since, page_size=PAGE, limit=LISTED),
        ]
        ours = (made for made in reversed(listed) if not str(made.direction).startswith("inbound"))
        return list(
            {
                str(made.sid): SentMessage(str(made.sid), made.start_time, str(made.to))
                for made in ours
            }.values()
        )

    def call_state(self, sid: str) -> str:
        """Twilio's status of a call. Raises a TelephonyError."""
        return str(_asked(lambda: self._client.calls(sid).fetch().status))

    def is_over(self, sid: str) -> bool:
        """Has a call ended, according to the provider? True for an unknown call."""
        try:
            return self.call_state(sid) in ENDED_CALLS
        except (RetryLater, OutcomeUnknown):
            return False
        except TelephonyError:
            return True

    def hang_up(self, sid: str) -> None:
        """End a call; no effect if it has ended. Raises a TelephonyError."""
        _asked(lambda: self._client.calls(sid).update(status="completed").sid)

    def move(self, sid: str, url: str) -> None:
        """Redirect a call in progress to another TwiML document. Raises a TelephonyError."""
        _asked(lambda: self._client.calls(sid).update(url=url, method="POST").sid)

    def redact(self, sid: str) -> None:
        """Empty the body of a text, sent or received, in the provider's record; no effect if there
        is no such record. Raises a TelephonyError."""
        _gone_or(lambda: self._client.messages(sid).update(body="").sid)

    def delete_text(self, sid: str) -> None:
        """Delete the provider's record of a text, with the numbers in it; no effect if there is
        none. Raises a TelephonyError."""
        _gone_or(lambda: self._client.messages(sid).delete())

    def heard(self, ours: str, since: datetime) -> list[MissedText]:
        """The texts that people sent to one of our numbers since then. Raises RetryLater if that
        cannot be known now."""
        try:
            listed = self._client.messages.list(
                to=ours, date_sent_after=since, page_size=PAGE, limit=LISTED
            )
        except (TwilioException, requests.RequestException, ValueError, KeyError):
            raise RetryLater("cannot look") from None
        return [
            MissedText(
                str(one.sid),
                str(one.from_ or ""),
                str(one.body or ""),
                one.date_sent or one.date_created,
                str(one.to or ""),
                str(one.num_media or "0") != "0",
            )
            for one in listed
            if one.direction == "inbound"
        ]

    def number_settings(self) -> list[NumberSettings]:
        """Twilio's settings of every number of the account; a request for one number would put it
        into the URL. Raises a TelephonyError."""
        listed = _asked(lambda: self._client.incoming_phone_numbers.list(page_size=1000))
        return [
            NumberSettings(
                str(one.phone_number),
                one.sms_url or "",
                one.sms_method or "",
                one.sms_fallback_url or "",
                one.sms_application_sid or "",
                one.voice_url or "",
                one.voice_method or "",
                one.voice_application_sid or "",
                one.status_callback or "",
                one.status_callback_method or "",
                _can(one.capabilities, "sms"),
                _can(one.capabilities, "voice"),
            )
            for one in listed
        ]

    def service_settings(self, sid: str) -> ServiceSettings | None:
        """Twilio's settings of a Messaging Service; None if the account has no such service. Raises
        a TelephonyError."""
        try:
            service = self._client.messaging.v1.services(sid)
            one = _asked(service.fetch)
            numbers = _asked(lambda: service.phone_numbers.list(page_size=1000))
        except TelephonyError as fault:
            if fault.code in NO_SUCH_RECORD:
                return None
            raise
        return ServiceSettings(
            sid,
            one.inbound_request_url or "",
            one.inbound_method or "",
            one.fallback_url or "",
            one.status_callback or "",
            bool(one.use_inbound_webhook_on_number),
            tuple(str(each.phone_number) for each in numbers),
        )


def _can(capabilities: Any, what: str) -> bool:
    """Does a number have this capability? If Twilio does not say, yes."""
    return bool(capabilities.get(what, True)) if isinstance(capabilities, Mapping) else True


def _known(made: list[SentMessage] | None) -> list[SentMessage]:
    if made is None:
        raise RetryLater("cannot look")
    return made


def _asked(ask: Callable[[], Any]) -> Any:
    """Run a request, with the provider's errors translated into ours."""
    try:
        return ask()
    except TwilioRestException as problem:
        raise _meaning(problem) from None
    except requests.ConnectTimeout:
        raise RetryLater("no connection") from None
    except (TwilioException, requests.RequestException, ValueError, KeyError):
        raise OutcomeUnknown("no answer") from None


def _gone_or(erase: Callable[[], Any]) -> None:
    """Erase; there is nothing to do where the provider has no such record."""
    try:
        _asked(erase)
    except TelephonyError as fault:
        if fault.code not in NO_SUCH_RECORD:
            raise


def _meaning(problem: TwilioRestException) -> TelephonyError:
    code = problem.code if isinstance(problem.code, int) else 0
    known = TWILIO_MEANS.get(code)
    if known is not None:
        return known(f"twilio {code}")
    if problem.status == 429:
        return RetryLater(f"twilio {code or problem.status}")
    if problem.status >= 500:
        return OutcomeUnknown(f"twilio {code or problem.status}")
    return TelephonyError(f"twilio {code or problem.status}")
