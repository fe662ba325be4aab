"""How the call engine reaches the service: over HTTP, or straight into a WSGI application."""

from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from twilio.request_validator import RequestValidator

from .twilio_wire import CONNECT_TIMEOUT, Answered, post_signed


class Web(Protocol):
    """Signed requests to the service. A request never raises if the service does not answer."""

    def post(self, url: str, fields: dict[str, str], token: str) -> Answered: ...

    def get(self, url: str) -> Answered: ...


class HttpWeb:
    """Over HTTP, as Twilio does."""

    def __init__(self, auth_token: str, read_timeout: float = 15.0) -> None:
        self._auth_token = auth_token
        self._read_timeout = read_timeout

    def post(self, url: str, fields: dict[str, str], token: str) -> Answered:
        return post_signed(url, fields, self._auth_token, self._read_timeout, token)

    def get(self, url: str) -> Answered:
        signature = RequestValidator(self._auth_token).compute_signature(url, {})
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(
                    url,
                    headers={"X-Twilio-Signature": signature},
                    timeout=(CONNECT_TIMEOUT, self._read_timeout),
                    allow_redirects=False,
                )
            except requests.RequestException:
                return Answered(0)
        return Answered(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)


class AppWeb:
    """Into a WSGI application in this process; `client` is Werkzeug's or Flask's test client.

    An exception inside of the application comes through: a test should see it.
    """

    def __init__(self, client: Any, auth_token: str) -> None:
        self._client = client
        self._auth_token = auth_token

    def post(self, url: str, fields: dict[str, str], token: str) -> Answered:
        return self._ask("post", url, fields, {"I-Twilio-Idempotency-Token": token})

    def get(self, url: str) -> Answered:
        return self._ask("get", url, {}, {})

    def _ask(
        self, method: str, url: str, fields: dict[str, str], headers: dict[str, str]
    ) -> Answered:
        parts = urlsplit(url)
        signature = RequestValidator(self._auth_token).compute_signature(url, fields)
        answer = getattr(self._client, method)(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            base_url=f"{parts.scheme}://{parts.netloc}",
            data=fields or None,
            headers={"X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1", **headers},
        )
        told = Answered(answer.status_code, answer.content_type or "", answer.data)
        answer.close()  # a file that was served
        return told
