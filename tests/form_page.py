"""A browser without scripts, against the app: it parses a page, follows redirects and presses
buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conftest import House

from caller_service.proving.web_browser import SCRIPT, Button, Page

BASE = "https://house.test"
CALM = ("me", "no", "no", "no", "page", "team")
PLACE = "Main St and 3rd Ave"


@dataclass
class Browser:
    """Somebody on the web. `pace`: seconds between a page and the next press."""

    house: House
    cookies: bool = True
    pace: float = 5.0
    headers: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    script: bool = False  # with our script: the response to a post is the next screen

    def __post_init__(self) -> None:
        self.client = self.house.app.test_client(use_cookies=self.cookies)
        self.path = "/"
        self.status = 0
        self.hops = 0  # redirects from the last post or link to its page
        self.history: list[str] = []

    def goes(self, path: str) -> Browser:
        return self._shows(self._ask("GET", path))

    def presses(self, value: str, name: str = "answer", **filled: str) -> Browser:
        """Press the button of that name and value, with fields filled in."""
        button = next(
            each for each in self.page.buttons if each.name == name and each.value == value
        )
        return self.posts(button, **filled)

    def sends(self, **filled: str) -> Browser:
        """Press the button of the form that has these fields."""
        button = next(
            each
            for each in self.page.buttons
            if not each.name and filled.keys() - self.page.boxes <= each.fields.keys()
        )
        return self.posts(button, **filled)

    def posts(self, button: Button, **filled: str) -> Browser:
        self.house.wait(self.pace)
        fields = {**button.fields, **filled, **(SCRIPT if self.script else {})}
        if button.name:
            fields[button.name] = button.value
        return self._shows(self._ask("POST", button.action or self.path, data=fields))

    def answers(self, *values: str) -> Browser:
        for value in values:
            self.presses(value)
        return self

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        always = {
            "base_url": BASE,
            "headers": self.headers,
            "environ_base": {"REMOTE_ADDR": self.address},
        }
        answer = self.client.open(path, method=method, **always, **more)
        hops = 0
        while answer.status_code == 303:
            hops += 1
            assert hops < 6, "it goes round in circles"
            path = answer.headers["Location"].removeprefix(BASE)
            answer = self.client.get(path, **always)
        self.path, self.status, self.hops = path, answer.status_code, hops
        self.history.append(path)
        return answer

    def _shows(self, answer: Any) -> Browser:
        self.answer = answer
        self.page = Page(answer.get_data(as_text=True))
        return self

    def case(self) -> Any:
        """The newest case."""
        from caller_service.store import cases

        with self.house.parts.engine.connect() as conn:
            newest = self.house.rows("case")[-1].id
            return cases.by_id(conn, self.house.parts.sealer, newest)


def asks_for_a_team(me: Browser, *, send: bool = True) -> Browser:
    """The common path, to the end or to the screen before it is sent."""
    me.goes("/request").answers(*CALM)
    me.sends(place=PLACE).presses("upset")
    assert me.path.endswith("/request/check")
    return me.sends(words="") if send else me
