"""Texts out, by Twilio's REST API. Four meanings of failure are enough: never, stopped, later, look first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

TIMEOUT = 10.0  # seconds: the SDK has none of its own
REAL_API = "https://api.twilio.com"


class LineError(Exception):
    """A text did not go out. Named by what to do about it; `code` is Twilio's, or ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NumberCannotReceive(LineError):
    """Never by text: a landline, no such number."""


class ContactStopped(LineError):
    """They opted out with the carrier."""


class LineBusy(LineError):
    """Not now: nothing was created, trying again is safe."""


class NoAnswer(LineError):
    """Nobody knows whether it was created: look before sending again."""


TWILIO_MEANS: Mapping[int, type[LineError]] = {
    21211: NumberCannotReceive, 21217: NumberCannotReceive, 21614: NumberCannotReceive, 21202: NumberCannotReceive, 30006: NumberCannotReceive,
    21408: NumberCannotReceive, 21610: ContactStopped, 20429: LineBusy,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """A text the provider took in for us."""

    sid: str
    number: str = field(repr=False)
    words: str = field(repr=False)
    at: datetime


class _Elsewhere(TwilioHttpClient):
    """The SDK has no base-URL option: the host of each request is changed here (the rehearsal's stand-in)."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=TIMEOUT)
        self.logger.disabled = True  # it would write numbers and words
        self._api = urlsplit(api_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        asked = urlsplit(url)
        return super().request(method, urlunsplit((self._api.scheme, self._api.netloc, asked.path, asked.query, "")), *args, **kwargs)


class Line:
    """Sends texts from the program's number, or its Messaging Service."""

    def __init__(
        self, account_sid: str, auth_token: str, sender: str, api_url: str = REAL_API, api_key: str = "", api_secret: str = ""
    ) -> None:
        client: HttpClient = _Elsewhere(api_url)
        self._client = Client(api_key or account_sid, api_secret or auth_token, account_sid, http_client=client)
        self._sender = sender

    def __repr__(self) -> str:
        return "Line()"

    def text(self, number: str, words: str, receipts_url: str) -> str:
        """Send one text and return its SID. Raises one of the LineErrors."""
        sender = {"messaging_service_sid": self._sender} if self._sender.startswith("MG") else {"from_": self._sender}
        try:
            return str(self._client.messages.create(to=number, body=words, status_callback=receipts_url, **sender).sid)
        except TwilioRestException as problem:
            raise _meaning(problem) from None
        except requests.ConnectTimeout:
            raise LineBusy("no connection") from None
        except (TwilioException, requests.RequestException, ValueError, KeyError):
            raise NoAnswer("no answer") from None

    def find(self, number: str, words: str, since: datetime) -> list[str]:
        """The SIDs of texts that may be one we already sent, oldest first: same number, same words, not older than `since`."""
        try:
            listed = self._client.messages.list(date_sent_after=since, page_size=1000)  # asked for by number, it would stand in the URL
        except (TwilioException, requests.RequestException, ValueError, KeyError):
            raise LineBusy("cannot look") from None
        return [str(sent.sid) for sent in reversed(listed) if sent.to == number and sent.body == words]

    def heard(self, ours: str, since: datetime) -> list[Heard]:
        """The texts people sent to one of our numbers since then. Raises LineBusy if that cannot be known now."""
        try:
            listed = self._client.messages.list(to=ours, date_sent_after=since, page_size=1000)
        except (TwilioException, requests.RequestException, ValueError, KeyError):
            raise LineBusy("cannot look") from None
        return [
            Heard(str(one.sid), str(one.from_ or ""), str(one.body or ""), one.date_sent or one.date_created)
            for one in listed
            if one.direction == "inbound"
        ]


def _meaning(problem: TwilioRestException) -> LineError:
    code = problem.code if isinstance(problem.code, int) else 0
    known = TWILIO_MEANS.get(code)
    if known is not None:
        return known(f"twilio {code}")
    if problem.status == 429:
        return LineBusy(f"twilio {code or problem.status}")
    if problem.status >= 500:
        return NoAnswer(f"twilio {code or problem.status}")
    return LineError(f"twilio {code or problem.status}")
