"""Staff at their browsers, for tests of the console."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from caller_service.casework import accounts, second_factor
from caller_service.casework.passwords import hashed
from caller_service.core.case import replace
from caller_service.core.roles import Role, must_have_second_factor
from caller_service.store import cases, contacts, people
from caller_service.store.contacts import Contact

if TYPE_CHECKING:
    from conftest import House

PASSWORD = "night shift eats green apples"
PIN = "481516"
OURS = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # as a browser sends our forms
COOKIE = "__Host-console"


@cache
def kept(secret: str) -> str:
    return hashed(secret)


class Account:
    """An account that is set up."""

    def __init__(self, house: House, name: str, role: Role, codes: bool | None = None) -> None:
        self.house, self.name, self.role = house, name, role
        self.id = house.parts.new_id()
        self.password = PASSWORD
        codes = must_have_second_factor(role) if codes is None else codes
        self.totp = second_factor.new_secret() if codes else None
        with house.parts.engine.begin() as conn:
            people.add(
                conn, self.id, name, role, house.parts.now(), password=kept(PASSWORD), pin=kept(PIN)
            )
            if self.totp:
                people.keep_totp(conn, house.parts.sealer, self.id, people.TOTP, self.totp)

    def code(self) -> str:
        """The current code; moves the time on, so that it is a new one."""
        assert self.totp
        self.house.wait(second_factor.STEP)
        return second_factor.code_at(self.totp, self.house.clock.at)


class Browser:
    """A browser at the console: keeps cookies, and sends the CSRF token of the last page with a
    form."""

    def __init__(self, house: House, address: str = "203.0.113.7") -> None:
        self.house = house
        self.client = house.app.test_client()
        self.from_here = {"REMOTE_ADDR": address}
        self.page: Any = None

    def get(self, path: str, **headers: str) -> Any:
        self.page = self.client.get(path, environ_base=self.from_here, headers=headers)
        return self.page

    def token(self) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.page.text if self.page else "")
        return found[1] if found else ""

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Any:
        form = {"csrf": self.token()} | form
        self.page = self.client.post(
            path,
            data=form,
            environ_base=self.from_here,
            headers=OURS if headers is None else headers,
        )
        return self.page

    def opens(self, path: str) -> Any:
        """Open a page, following redirects."""
        answer = self.get(path)
        while answer.status_code == 303:
            answer = self.get(answer.headers["Location"])
        return answer

    def submits(self, path: str, **form: str) -> Any:
        """Open a page, submit its form, and follow the redirect."""
        self.opens(path)
        answer = self.post(path, **form)
        return self.opens(answer.headers["Location"]) if answer.status_code == 303 else answer

    def signs_in(self, who: Account, password: str | None = None, name: str | None = None) -> Any:
        answer = self.submits(
            "/console/sign-in", name=name or who.name, password=password or who.password
        )
        if answer.status_code == 200 and 'name="code"' in answer.text and who.totp:
            answer = self.post("/console/code", code=who.code())
            assert answer.status_code == 303, answer.text
            answer = self.opens(answer.headers["Location"])
        return answer

    def is_in(self) -> bool:
        """Is the account page accessible?"""
        return bool(self.get("/console/account").status_code == 200)

    def cookie(self) -> str:
        found = self.client.get_cookie(COOKIE)
        return found.value if found else ""


def events(house: House) -> list[tuple[str, str]]:
    """The journal's entries that belong to no case: who did what."""
    rows = sorted(house.rows("journal", case_id=""), key=lambda row: (row.at, row.id))
    return [(row.who, row.event) for row in rows]


def sessions(house: House, who: Account) -> list[Any]:
    return list(accounts.sessions_of(house.parts, who.id))


def copied(house: House, case_id: str, many: int, **more: Any) -> list[str]:
    """Make this many copies of a case; returns their references."""
    parts, references = house.parts, []
    with parts.engine.begin() as conn:
        one = cases.by_id(conn, parts.sealer, case_id)
        assert one is not None
        for number in range(many):
            index = f"{len(more)}{number:04d}"
            contact = Contact(parts.new_id(), "en", f"+172066{index}", False)
            contacts.add(conn, parts.sealer, contact, house.clock.at)
            references.append(f"R{index}")
            copy = replace(
                one, id=parts.new_id(), reference=references[-1], contact=contact.id, **more
            )
            cases.add(conn, cases.row(copy, parts.sealer, None))
    return references
