"""Signing in: two factors, the same response to every wrong pair, guesses slowed down, nobody
locked out."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from staff import COOKIE, PASSWORD, Account, Browser, events, sessions

from caller_service.casework import accounts, passwords, second_factor
from caller_service.casework.accounts import LINK_FOR
from caller_service.core.roles import Role
from caller_service.core.staff_session import ABSOLUTE, TRIES, UNFINISHED
from caller_service.store import people
from caller_service.store.tokens import token_hash

if TYPE_CHECKING:
    from conftest import House


@pytest.fixture
def dana(house: House) -> Account:
    return Account(house, "Dana Ruiz", Role.DISPATCHER)


@pytest.fixture
def alex(house: House) -> Account:
    return Account(house, "Alex Kim", Role.ADMINISTRATOR)


# ---- password and code ---------------------------------------------------------------------------


def test_a_name_and_its_password_open_the_console(house: House, dana: Account) -> None:
    browser = Browser(house)
    answer = browser.signs_in(dana, name="  dana   RUIZ ")

    assert answer.status_code == 200 and "Dana Ruiz" in answer.text
    assert events(house)[-1] == ("Dana Ruiz", "signed_in")
    row = house.rows("staff_session")[0]
    assert row.hash == token_hash(browser.cookie()) and browser.cookie() not in str(row)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMINISTRATOR])
def test_a_password_alone_opens_nothing_to_whoever_has_a_second_factor(
    house: House, role: Role
) -> None:
    who, browser = Account(house, "Sam Ortiz", role), Browser(house)
    browser.submits("/console/sign-in", name=who.name, password=PASSWORD)

    assert 'name="code"' in browser.page.text
    assert not browser.is_in()
    assert browser.get("/console/people").headers["Location"].endswith("/console/code")


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMINISTRATOR])
def test_who_must_have_a_second_factor_and_has_none_sets_it_up_first(
    house: House, role: Role
) -> None:
    who, browser = Account(house, "Sam Ortiz", role, codes=False), Browser(house)
    browser.submits("/console/sign-in", name=who.name, password=PASSWORD)

    assert "authenticator app" in browser.page.text and "Do without" not in browser.page.text
    browser.post("/console/account/codes", do="skip")
    assert not browser.is_in()


def test_a_code_counts_once(house: House, alex: Account) -> None:
    one, other = Browser(house), Browser(house)
    for browser in (one, other):
        browser.submits("/console/sign-in", name=alex.name, password=PASSWORD)
    code = alex.code()

    assert one.post("/console/code", code=code).status_code == 303
    assert other.post("/console/code", code=code).status_code == 403
    assert one.is_in() and not other.is_in()


def test_an_earlier_code_than_the_last_one_counts_no_more(house: House, alex: Account) -> None:
    assert alex.totp
    earlier = alex.code()
    Browser(house).signs_in(alex)
    browser = Browser(house)
    browser.submits("/console/sign-in", name=alex.name, password=PASSWORD)

    assert second_factor.counter_of(alex.totp, earlier, house.clock.at) is not None
    assert browser.post("/console/code", code=earlier).status_code == 403


def test_two_who_send_one_code_at_once_are_one(house: House, alex: Account) -> None:
    assert alex.totp
    counter = second_factor.counter_of(alex.totp, alex.code(), house.clock.at)
    assert counter
    with house.parts.engine.begin() as conn:
        used = [people.use_counter(conn, alex.id, counter) for _ in range(2)]
    assert used == [True, False]


def test_after_five_wrong_codes_the_password_is_asked_for_again(
    house: House, alex: Account
) -> None:
    browser = Browser(house)
    browser.submits("/console/sign-in", name=alex.name, password=PASSWORD)
    for _ in range(TRIES):
        answer = browser.post("/console/code", code="000000")

    assert answer.status_code == 403 and "Begin again with your password" in answer.text
    assert browser.post("/console/code", code=alex.code()).status_code == 401
    assert sessions(house, alex) == []


def test_an_unfinished_sign_in_ends_by_itself(house: House, alex: Account) -> None:
    browser = Browser(house)
    browser.submits("/console/sign-in", name=alex.name, password=PASSWORD)
    house.wait(UNFINISHED.total_seconds())

    assert browser.post("/console/code", code=alex.code()).status_code == 403
    assert not browser.is_in()


def test_a_recovery_code_stands_for_a_code_once(house: House, alex: Account) -> None:
    browser = Browser(house)
    browser.signs_in(alex)
    browser.opens("/console/account/recovery")
    shown = browser.post("/console/account/recovery", do="make")
    codes = re.findall(r"<code>([A-Z0-9-]{29})</code>", shown.text)
    assert len(codes) == len(set(codes)) == second_factor.RECOVERY_CODES
    stored = {row.hash for row in house.rows("recovery_code")}
    assert stored == {token_hash(code) for code in codes}
    assert codes[0] not in browser.get("/console/account/recovery").text, "shown once"

    typed = codes[0].lower().replace("-", " ")
    for status in (303, 403):
        other = Browser(house)
        other.submits("/console/sign-in", name=alex.name, password=PASSWORD)
        assert other.post("/console/code", code=typed).status_code == status
    assert ("Alex Kim", "recovery_code_used") in events(house)


# ---- the same response to everything wrong -------------------------------------------------------


def test_unknown_disabled_unset_and_wrong_are_answered_alike(
    house: House, dana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text, status and headers; and the same work: one hash of the same cost, for any
    name."""
    gone = Account(house, "Gone Girl", Role.DISPATCHER)
    accounts.disable(house.parts, "operator", gone.id)
    accounts.add_person(house.parts, "operator", "Not Yet", Role.DISPATCHER)
    with house.parts.engine.begin() as conn:
        people.add(conn, "first", "First Release", "dispatcher", house.clock(), password="scrypt:x")
    verified: list[str] = []
    verify = passwords._HASHER.verify

    class Counting:
        def verify(self, kept: str, secret: str) -> bool:
            verified.append(kept.rpartition("$")[0].rpartition("$")[0])
            return verify(kept, secret)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    answers = []
    for name, password in (
        ("Nobody At All", PASSWORD), (dana.name, "wrong wrong wrong"), (gone.name, PASSWORD),
        ("Not Yet", PASSWORD), ("First Release", "x"), ("", ""),
        (dana.name, PASSWORD + "x" * 200),
    ):  # fmt: skip
        browser = Browser(house, address=f"198.51.100.{len(answers)}")
        browser.get("/console/sign-in")
        answer = browser.post("/console/sign-in", name=name, password=password)
        words = re.sub(r'(name="(name|csrf)" value|value)="[^"]*"', "", answer.text)
        answers.append((answer.status_code, re.sub(r" autofocus", "", words)))

    assert answers[0][0] == 403 and "do not go together" in answers[0][1]
    assert len(set(answers)) == 1
    assert verified == ["$argon2id$v=19$m=19456,t=2,p=1"] * len(answers)
    assert [event for _, event in events(house)].count("sign_in_refused") == len(answers)


def test_a_password_is_hashed_outside_every_transaction(
    house: House, dana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked_out = []
    verify = passwords._HASHER.verify

    class Watching:
        def verify(self, kept: str, secret: str) -> bool:
            checked_out.append(house.parts.engine.pool.checkedout())  # type: ignore[attr-defined]
            return verify(kept, secret)

    before = house.parts.engine.pool.checkedout()  # type: ignore[attr-defined]
    monkeypatch.setattr(passwords, "_HASHER", Watching())
    Browser(house).signs_in(dana)

    assert checked_out == [before]


def test_many_who_sign_in_at_once_hold_up_nobody(
    house: House, dana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two passwords are hashed at a time; others are asked to try again, and no attempt is
    counted."""
    monkeypatch.setattr(passwords, "_PLACES", threading.BoundedSemaphore(1))
    monkeypatch.setattr(passwords, "WAIT", 0.01)
    with passwords._place():
        for _ in range(12):
            browser = Browser(house)
            browser.get("/console/sign-in")
            answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD)
            assert answer.status_code == 503 and answer.headers["Retry-After"] == "3"
    assert Browser(house).signs_in(dana).status_code == 200


def test_who_signs_in_where_somebody_else_is_signed_in_ends_their_session(
    house: House, dana: Account, alex: Account
) -> None:
    browser = Browser(house)
    browser.signs_in(dana)
    house.wait(1200)  # idle, and locked
    browser.signs_in(alex)

    assert "Alex Kim" in browser.get("/console/account").text
    assert sessions(house, dana) == []


# ---- guessing ------------------------------------------------------------------------------------


def guesses(house: House, name: str, many: int, sources: int = 1) -> list[int]:
    """Try wrong passwords from this many addresses; returns the statuses."""
    heard = []
    for number in range(many):
        browser = Browser(house, address=f"198.51.100.{number % sources + 1}")
        browser.get("/console/sign-in")
        heard.append(
            browser.post("/console/sign-in", name=name, password=f"guess {number}").status_code
        )
    return heard


def test_whoever_guesses_from_one_place_is_slowed_down(house: House, dana: Account) -> None:
    heard = guesses(house, dana.name, 14)

    assert heard[:5] == [403] * 5 and heard[-1] == 429
    browser = Browser(house, address="198.51.100.1")
    browser.get("/console/sign-in")
    answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "Wait" in answer.text


def test_a_thousand_places_have_no_thousand_times_the_guesses(house: House, dana: Account) -> None:
    heard = guesses(house, dana.name, 40, sources=40)

    assert heard.count(403) < 25 and heard[-1] == 429


def test_the_only_dispatcher_is_never_locked_out_by_guesses_from_elsewhere(
    house: House, dana: Account
) -> None:
    """From a known browser, from a known address and, after a wait, from anywhere."""
    known = Browser(house)
    known.signs_in(dana)
    assert guesses(house, dana.name, 60, sources=30)[-1] == 429

    assert known.signs_in(dana).status_code == 200 and known.is_in()
    moved = Browser(house, address="192.0.2.99")
    moved.client = known.client
    assert moved.signs_in(dana).status_code == 200, "the same browser at another address"
    office = Browser(house)
    assert office.signs_in(dana).status_code == 200, "another browser at the same address"
    anywhere = Browser(house, address="192.0.2.5")
    answer = anywhere.signs_in(dana)
    assert answer.status_code == 429
    house.wait(float(answer.headers["Retry-After"]))
    assert anywhere.signs_in(dana).status_code == 200 and anywhere.is_in()


def test_a_known_browser_guesses_no_faster_than_others(house: House, dana: Account) -> None:
    browser = Browser(house)
    browser.signs_in(dana)
    heard = []
    for number in range(14):
        browser.get("/console/sign-in")
        heard.append(
            browser.post("/console/sign-in", name=dana.name, password=f"no {number}").status_code
        )

    assert heard[-1] == 429


def test_the_mark_of_a_known_browser_cannot_be_made_and_ends(house: House, dana: Account) -> None:
    browser = Browser(house)
    browser.signs_in(dana)
    cookies = {
        cookie.key: cookie for cookie in browser.client._cookies.values() if "known" in cookie.key
    }
    ((name, cookie),) = cookies.items()
    guesses(house, dana.name, 60, sources=30)

    other = "1" if cookie.value.endswith("0") else "0"
    for value in ("", "x", "a.b.c", f"{cookie.value[:-1]}{other}", f"x{cookie.value}"):
        forger = Browser(house, address="192.0.2.77")
        forger.client.set_cookie(name, value)
        assert forger.signs_in(dana, password="wrong again and").status_code == 429, value
    house.wait(accounts.KNOWN_FOR.total_seconds() + 1)
    guesses(house, dana.name, 60, sources=30)
    late = Browser(house, address="192.0.2.78")
    late.client.set_cookie(name, cookie.value)
    assert late.signs_in(dana, password="wrong again and").status_code == 429


# ---- the cookie ----------------------------------------------------------------------------------


def test_cookies_are_of_this_host_alone_and_no_scripts(house: House, dana: Account) -> None:
    browser = Browser(house)
    browser.get("/console/sign-in")
    given = list(browser.page.headers.getlist("Set-Cookie"))
    answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD)
    given += answer.headers.getlist("Set-Cookie")

    assert len(given) == 4
    for cookie in given:
        flags = {part.strip().partition("=")[0] for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-console")
        assert {"Secure", "HttpOnly", "Path", "SameSite"} <= flags and "Domain" not in flags
        assert "SameSite=Lax" in cookie and "Path=/" in cookie
    session = next(cookie for cookie in given if cookie.startswith(f"{COOKIE}="))
    assert "Expires" not in session and "Max-Age" not in session


def test_on_a_loopback_address_without_tls_the_cookie_has_a_plain_name(
    house: House, dana: Account
) -> None:
    house.change(public_url="http://127.0.0.1:8000")
    browser = Browser(house)
    browser.get("/console/sign-in")
    answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD)
    given = answer.headers.getlist("Set-Cookie")

    assert any(cookie.startswith("console=") for cookie in given)
    assert not any("Secure" in cookie or "__Host-" in cookie for cookie in given)


def test_a_session_that_somebody_planted_is_not_taken_over(house: House, dana: Account) -> None:
    """Session fixation: whatever cookie is sent, a new one is set; again after the code."""
    alex = Account(house, "Alex Kim", Role.ADMINISTRATOR)
    browser = Browser(house)
    browser.client.set_cookie(COOKIE, "planted")
    browser.submits("/console/sign-in", name=alex.name, password=PASSWORD)
    half = browser.cookie()
    browser.post("/console/code", code=alex.code())
    whole = browser.cookie()

    assert len({"planted", half, whole}) == 3
    thief = Browser(house)
    for earlier in ("planted", half):
        thief.client.set_cookie(COOKIE, earlier)
        assert not thief.is_in()
    thief.client.set_cookie(COOKIE, whole)
    assert thief.is_in()


@pytest.mark.parametrize(
    "then", ["https://evil.test/", "//evil.test", "/console//evil.test", "/", "/hand-offs/x",
             "/console/../hand-offs", "/console/\\evil", "javascript:alert(1)", "/console/@x"],
)  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(house: House, dana: Account, then: str) -> None:
    browser = Browser(house)
    browser.get("/console/sign-in")
    answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD, then=then)

    assert answer.headers["Location"] == "/console/"


def test_who_came_for_a_page_is_led_back_to_it(house: House, dana: Account) -> None:
    browser = Browser(house)
    asked = browser.get("/console/account/password")
    assert asked.status_code == 401 and 'name="password"' in asked.text
    found = re.search(r'name="then" value="([^"]*)"', asked.text)
    assert found
    answer = browser.post("/console/sign-in", name=dana.name, password=PASSWORD, then=found[1])

    assert answer.headers["Location"] == "/console/account/password"


# ---- the one-time link ---------------------------------------------------------------------------


def test_a_link_sets_an_account_up_once(house: House) -> None:
    secret = accounts.add_person(house.parts, "operator", "Sam Ortiz", Role.SUPERVISOR)
    browser, path = Browser(house), f"/console/first/{secret}"
    assert secret not in str(house.rows("person_link"))

    for _ in range(3):  # viewing the link does not consume it
        assert "Set up my account" in browser.get(path).text
        assert browser.get(path).status_code == 200
    assert Browser(house).post(path, csrf="", headers={}).status_code == 403
    page = browser.post(path)
    assert page.headers["Location"].endswith("/console/account/password")
    assert secret not in page.headers["Location"]

    assert not browser.is_in(), "one step after the other"
    page = browser.submits("/console/account/password", password="short", password_again="short")
    assert page.status_code == 422 and "12 characters" in page.text
    browser.post("/console/account/password", password=PASSWORD, password_again=PASSWORD)
    page = browser.opens("/console/account/codes")
    assert "<svg" in page.text and " style=" not in page.text
    found = re.search(r'<b class="secret">([A-Z2-7 ]+)</b>', page.text)
    assert found
    totp = found[1].replace(" ", "")
    assert browser.post("/console/account/codes", code="000000").status_code == 422
    house.wait(60)
    code = second_factor.code_at(totp, house.clock.at)
    assert browser.post("/console/account/codes", code=code).status_code == 303
    browser.opens("/console/account/recovery")
    assert (
        browser.post("/console/account/recovery", do="go_on")
        .headers["Location"]
        .endswith("/console/account/recovery")
    ), "first the recovery codes"
    browser.opens("/console/account/recovery")
    assert "XXXX" not in browser.post("/console/account/recovery", do="make").text
    browser.post("/console/account/recovery", do="go_on")
    browser.opens("/console/account/pin")
    assert browser.post("/console/account/pin", pin="123456").status_code == 422
    browser.post("/console/account/pin", pin="481516", do="keep")
    assert browser.is_in()

    for again in (Browser(house), browser):
        assert again.get(path).status_code == 403
    other = Browser(house)
    other.get("/console/sign-in")
    assert other.post(path).status_code == 403
    assert ("Sam Ortiz", "link_used") in events(house)
    assert sessions(house, _as(house, "Sam Ortiz"))[0].has_totp


def _as(house: House, name: str) -> Account:
    found = accounts.find_named(house.parts, name)
    assert found
    account = Account.__new__(Account)
    account.id = found.id
    return account


def test_a_dispatcher_may_do_without_codes_and_without_a_pin(house: House) -> None:
    secret = accounts.add_person(house.parts, "operator", "Dana Ruiz", Role.DISPATCHER)
    browser = Browser(house)
    browser.submits(f"/console/first/{secret}")
    browser.post("/console/account/password", password=PASSWORD, password_again=PASSWORD)
    browser.opens("/console/account/codes")
    browser.post("/console/account/codes", do="skip")
    browser.opens("/console/account/pin")
    browser.post("/console/account/pin", do="skip")

    assert browser.is_in()


def test_a_link_is_good_for_a_day_and_a_newer_one_ends_it(house: House) -> None:
    first = accounts.add_person(house.parts, "operator", "Dana Ruiz", Role.DISPATCHER)
    person = accounts.find_named(house.parts, "Dana Ruiz")
    assert person
    second = accounts.reset(house.parts, "operator", person.id)

    assert Browser(house).get(f"/console/first/{first}").status_code == 403
    house.wait(LINK_FOR.total_seconds() - 1)
    browser = Browser(house)
    assert browser.get(f"/console/first/{second}").status_code == 200
    house.wait(1)
    assert browser.post(f"/console/first/{second}").status_code == 403
    assert house.rows("staff_session") == []


def test_a_link_of_somebody_disabled_opens_nothing(house: House) -> None:
    secret = accounts.add_person(house.parts, "operator", "Dana Ruiz", Role.DISPATCHER)
    person = accounts.find_named(house.parts, "Dana Ruiz")
    assert person
    browser = Browser(house)
    browser.get(f"/console/first/{secret}")
    accounts.disable(house.parts, "operator", person.id)

    assert browser.post(f"/console/first/{secret}").status_code == 403


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elevenchars", "12 characters"), ("x" * 129, "128 characters"),
        ("password1234", "easy to guess"), ("qwertyuiop[]", "easy to guess"),
        ("Dana Ruiz 2026", "easy to guess"), ("aaaaaaaaaaaaaaaa", "easy to guess"),
        (PASSWORD, ""), ("correct horse battery staple", ""), ("пароль из пяти разных слов", ""),
        ("x7!qP2$vL9#m", ""),
    ],
)  # fmt: skip
def test_a_password_is_long_and_not_one_that_others_try_first(password: str, fault: str) -> None:
    told = passwords.password_fault(password, "Dana Ruiz", "Rehearsal City Crisis Line")

    assert fault in told and bool(told) == bool(fault)


def test_a_password_is_taken_as_it_is_typed(house: House) -> None:
    one = passwords.hashed("Ünïcode  words with two spaces ")

    assert passwords.matches(one, "Ünïcode  words with two spaces ")
    for other in ("Ünïcode  words with two spaces", "ünïcode  words with two spaces "):
        assert not passwords.matches(one, other)


def test_in_live_nobody_signs_in_whom_rehearsal_made(house: House) -> None:
    accounts.set_up_for_rehearsal(house.parts, "Dana Ruiz", Role.DISPATCHER, PASSWORD, None)
    who = _as(house, "Dana Ruiz")
    who.house, who.name, who.password, who.totp = house, "Dana Ruiz", PASSWORD, None
    before = Browser(house)
    assert before.signs_in(who).status_code == 200 and before.is_in()
    place = accounts.SignInClient(b"0" * 32)

    assert accounts.sign_in(house.parts, who.name, PASSWORD, place, live=True) is None
    session = accounts.session_of(house.parts, before.cookie(), live=True)
    assert session is not None and session.disabled
    assert timedelta(0) < session.ends_at - house.clock.at <= ABSOLUTE


def test_no_secret_is_in_a_repr(house: House, dana: Account) -> None:
    alex = Account(house, "Alex Kim", Role.ADMINISTRATOR)
    found = accounts.find(house.parts, alex.id)
    done = accounts.sign_in(
        house.parts, dana.name, PASSWORD, accounts.SignInClient(b"\x07" * 32), False
    )

    assert found and done and alex.totp
    assert alex.totp not in repr(found) and "argon2" not in repr(found)
    assert done.secret not in repr(done)
