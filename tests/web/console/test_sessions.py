"""An open session: what each role can access, what ends and locks it, and which forms are
accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from staff import COOKIE, OURS, PASSWORD, PIN, Account, Browser, events, sessions

import caller_service
from caller_service.casework import accounts
from caller_service.core.roles import MAY, STEP_UP, Act, Role, may
from caller_service.core.staff_session import (
    ABSOLUTE,
    IDLE,
    SEEN_EVERY,
    STEPPED_UP,
    TRIES,
    Standing,
    standing,
)
from caller_service.web.console.session_guard import Door, console_only

if TYPE_CHECKING:
    from conftest import House

STATIC = Path(caller_service.__file__).parent / "web" / "static"


@pytest.fixture
def dana(house: House) -> Account:
    return Account(house, "Dana Ruiz", Role.DISPATCHER)


@pytest.fixture
def desk(house: House, dana: Account) -> Browser:
    """Dana's browser, signed in."""
    browser = Browser(house)
    browser.signs_in(dana)
    return browser


@pytest.fixture
def office(house: House) -> Browser:
    """An administrator's browser, signed in."""
    browser = Browser(house, "192.0.2.10")
    browser.signs_in(Account(house, "Alex Kim", Role.ADMINISTRATOR))
    return browser


def doors(house: House) -> Iterator[tuple[str, str, Door]]:
    """Every view behind the guard: its method, a URL, and its declaration."""
    guarded = {
        name
        for name in house.app.blueprints
        if console_only in house.app.before_request_funcs.get(name, [])
    }
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in guarded:
            continue
        path = re.sub(r"<[^>]+>", "x", str(rule))
        door = getattr(house.app.view_functions[rule.endpoint], "door", None)
        assert door is not None, f"{rule.endpoint} names no act"
        for method in (rule.methods or set()) & {"GET", "POST"}:
            yield method, path, door


# ---- roles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_every_door_opens_to_the_roles_of_its_act_and_to_no_other(house: House, role: Role) -> None:
    """By its URL, whatever the pages show."""
    browser = Browser(house)
    who = Account(house, "Some Body", role)
    for method, path, door in doors(house):
        if not browser.is_in():
            browser.signs_in(who)
        browser.get("/console/account")
        answer = browser.get(path) if method == "GET" else browser.post(path)
        refused = answer.status_code == 403 and "You are signed in as" in answer.text
        assert refused == (not may(role, door.act)), f"{method} {path} as {role}"


@pytest.mark.parametrize("role", list(Role))
def test_the_guard_lets_each_role_do_each_act_of_the_table_and_no_other(
    house: House, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every act, at one view: also acts that have no page yet."""
    browser = Browser(house)
    browser.signs_in(Account(house, "Some Body", role))
    view: Any = house.app.view_functions["people.account"]
    for act in Act:
        monkeypatch.setattr(view, "door", Door(act))
        assert browser.get("/console/account").status_code == (200 if act in MAY[role] else 403), (
            act
        )


def test_a_door_that_names_no_act_opens_to_nobody(
    house: House, desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(house.app.view_functions["people.account"], "door")

    assert desk.get("/console/account").status_code == 503


def test_a_role_counts_from_the_next_request_on(house: House, dana: Account, desk: Browser) -> None:
    assert desk.get("/console/queue").status_code == 200
    accounts.change_role(house.parts, "Alex Kim", dana.id, Role.ANALYST)

    assert desk.get("/console/queue").status_code == 403
    assert desk.is_in()


def test_who_becomes_supervisor_without_a_second_factor_sets_it_up_before_anything(
    house: House, dana: Account, desk: Browser
) -> None:
    accounts.change_role(house.parts, "Alex Kim", dana.id, Role.SUPERVISOR)

    assert not desk.is_in()
    assert "authenticator app" in desk.signs_in(dana).text


# ---- ends ----------------------------------------------------------------------------------------


def test_without_a_session_every_door_is_shut(house: House) -> None:
    for method, path, _ in doors(house):
        for cookie in ("", "x", "x" * 43, "' OR 1=1 --"):
            browser = Browser(house)
            browser.client.set_cookie(COOKIE, cookie)
            answer = browser.get(path) if method == "GET" else browser.post(path)
            assert answer.status_code == 401, f"{method} {path}"


def test_signing_out_ends_the_session_itself(house: House, dana: Account, desk: Browser) -> None:
    cookie = desk.cookie()
    desk.get("/console/account")
    answer = desk.post("/console/sign-out")

    assert answer.status_code == 303 and desk.cookie() == ""
    desk.client.set_cookie(COOKIE, cookie)
    assert not desk.is_in() and sessions(house, dana) == []
    assert ("Dana Ruiz", "session_ended") in events(house)


def test_a_session_ends_after_a_shift_however_busy(
    house: House, dana: Account, desk: Browser
) -> None:
    for _ in range(int(ABSOLUTE.total_seconds() // 300)):
        assert desk.is_in()
        house.wait(300)

    assert not desk.is_in()


def test_somebody_disabled_is_out_at_once_everywhere(
    house: House, dana: Account, desk: Browser
) -> None:
    other = Browser(house)
    other.signs_in(dana)
    accounts.disable(house.parts, "Alex Kim", dana.id)

    assert not desk.is_in() and not other.is_in()
    assert Browser(house).signs_in(dana).status_code == 403
    accounts.enable(house.parts, "Alex Kim", dana.id)
    assert not desk.is_in(), "what ended stays so"
    assert Browser(house).signs_in(dana).status_code == 200


def test_ones_own_sessions_are_listed_and_ended(house: House, dana: Account, desk: Browser) -> None:
    other = Browser(house)
    other.signs_in(dana)
    stranger = Browser(house)
    stranger.signs_in(Account(house, "Ana Vega", Role.DISPATCHER))
    page = desk.get("/console/account").text
    assert page.count("Sign it out") == 1 and "this one" in page
    (id_of_other,) = re.findall(r"/account/sessions/([\w-]+)/end\"", page)
    (not_theirs,) = (one.id for one in sessions(house, _of(house, "Ana Vega")))

    desk.post(f"/console/account/sessions/{not_theirs}/end")
    assert stranger.is_in(), "somebody else's is not ended by its id"
    desk.get("/console/account")
    desk.post(f"/console/account/sessions/{id_of_other}/end")
    assert desk.is_in() and not other.is_in()
    other.signs_in(dana)
    desk.get("/console/account")
    desk.post("/console/account/sessions/end-others")
    assert desk.is_in() and not other.is_in() and stranger.is_in()


def _of(house: House, name: str) -> Account:
    account = Account.__new__(Account)
    found = accounts.find_named(house.parts, name)
    assert found
    account.id = found.id
    return account


def test_a_new_password_ends_every_other_session_and_this_cookie(
    house: House, dana: Account, desk: Browser
) -> None:
    other, before, new = Browser(house), desk.cookie(), "seven blue kettles under rain"
    other.signs_in(dana)
    desk.opens("/console/account/password")
    form = {"password": new, "password_again": new}
    assert desk.post("/console/account/password", old_password="wrong", **form).status_code == 422
    assert desk.post("/console/account/password", old_password=PASSWORD, **form).status_code == 303

    assert desk.is_in() and not other.is_in() and desk.cookie() != before
    assert Browser(house).signs_in(dana, password=PASSWORD).status_code == 403
    assert Browser(house).signs_in(dana, password=new).status_code == 200


# ---- idle ----------------------------------------------------------------------------------------


def test_an_idle_session_locks_the_words_and_stays(
    house: House, dana: Account, desk: Browser
) -> None:
    house.wait(IDLE.total_seconds())
    answer = desk.get("/console/queue")

    assert (
        answer.status_code == 303
        and "/console/unlock?next=/console/queue" in (answer.headers["Location"])
    )
    assert standing(sessions(house, dana)[0], house.clock.at) == Standing.LOCKED
    assert desk.submits("/console/unlock?next=/console/queue", password=PIN).status_code == 200
    assert desk.get("/console/queue").status_code == 200


def test_a_human_who_asks_keeps_it_open_and_a_poll_does_not(
    house: House, desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        house.wait(IDLE.total_seconds() - 1)
        assert desk.is_in()
    view: Any = house.app.view_functions["console.queue"]
    monkeypatch.setattr(view, "door", Door(Act.SEE_QUEUE, poll=True))
    for _ in range(4):
        house.wait(IDLE.total_seconds() / 4)
        last = desk.get("/console/queue")

    assert last.status_code == 423 and last.text == "locked\n"
    monkeypatch.setattr(view, "door", Door(Act.SEE_QUEUE, poll=True, while_locked=True))
    assert desk.get("/console/queue").status_code == 200, "the alarm goes on"
    assert desk.get("/console/account").status_code == 303


def test_a_request_does_not_write_each_time(house: House, dana: Account, desk: Browser) -> None:
    first = sessions(house, dana)[0].seen_at
    desk.get("/console/queue")
    assert sessions(house, dana)[0].seen_at == first
    house.wait(SEEN_EVERY.total_seconds())
    desk.get("/console/queue")
    assert sessions(house, dana)[0].seen_at > first


def test_whoever_locks_it_unlocks_it_with_pin_or_password(
    house: House, dana: Account, desk: Browser
) -> None:
    for secret in (PIN, PASSWORD):
        desk.get("/console/account")
        desk.post("/console/lock")
        assert desk.get("/console/account").status_code == 303
        assert desk.submits("/console/unlock", password="000000").status_code == 403
        assert desk.post("/console/unlock", password=secret).status_code == 303
        assert desk.is_in()
    assert ("Dana Ruiz", "unlock_refused") in events(house)


def test_after_five_wrong_pins_only_the_password_unlocks(
    house: House, dana: Account, desk: Browser
) -> None:
    desk.get("/console/account")
    desk.post("/console/lock")
    for _ in range(TRIES):
        desk.submits("/console/unlock", password="000000")
    assert desk.submits("/console/unlock", password=PIN).status_code == 429, "slowed down"
    house.wait(300)

    assert desk.submits("/console/unlock", password=PIN).status_code == 403
    assert "PIN or password" not in desk.page.text
    assert sessions(house, dana)[0].failures == TRIES + 1
    assert desk.post("/console/unlock", password=PASSWORD).status_code == 303
    assert desk.is_in()


def test_a_pin_opens_no_session(house: House, dana: Account) -> None:
    assert Browser(house).signs_in(dana, password=PIN).status_code == 403


# ---- stepping up ---------------------------------------------------------------------------------


@pytest.mark.parametrize("act", sorted(STEP_UP))
def test_what_cannot_be_undone_asks_who_you_are_again(
    house: House, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, role = Browser(house), next(role for role in Role if may(role, act))
    office.signs_in(Account(house, "Alex Kim", role, codes=True))
    view: Any = house.app.view_functions["people.account"]
    monkeypatch.setattr(view, "door", Door(act))
    assert office.get("/console/account").status_code == 200
    house.wait(STEPPED_UP.total_seconds() - 300)
    monkeypatch.setattr(view, "door", Door(Act.ACCOUNT))
    assert office.get("/console/account").status_code == 200
    house.wait(300)
    monkeypatch.setattr(view, "door", Door(act))

    assert "/console/step-up?next=" in office.get("/console/account").headers["Location"]


def test_stepping_up_takes_password_and_a_new_code_and_changes_the_cookie(house: House) -> None:
    alex, browser = Account(house, "Alex Kim", Role.ADMINISTRATOR), Browser(house)
    browser.signs_in(alex)
    house.wait(STEPPED_UP.total_seconds() - 300)
    browser.get("/console/account")
    house.wait(300)
    before = browser.cookie()
    page = browser.opens("/console/people")
    assert "Say who you are" in page.text

    assert browser.post("/console/step-up", password="wrong", code=alex.code()).status_code == 403
    assert browser.post("/console/step-up", password=PASSWORD, code="000000").status_code == 403
    code = alex.code()
    answer = browser.post("/console/step-up", password=PASSWORD, code=code, then="/console/people")
    assert answer.status_code == 303 and answer.headers["Location"] == "/console/people"
    assert browser.cookie() != before
    assert browser.get("/console/people").status_code == 200
    thief = Browser(house)
    thief.client.set_cookie(COOKIE, before)
    assert not thief.is_in()


def test_codes_and_pin_are_changed_by_whoever_just_said_who_they_are(
    house: House, desk: Browser
) -> None:
    house.wait(STEPPED_UP.total_seconds() - 300)
    desk.get("/console/account")
    house.wait(300)
    for path in ("codes", "recovery", "pin"):
        answer = desk.get(f"/console/account/{path}")
        assert "/console/step-up" in answer.headers["Location"], path
        desk.get("/console/account")
        assert desk.post(f"/console/account/{path}", do="begin").status_code == 403, path


# ---- forms ---------------------------------------------------------------------------------------


def test_every_form_of_every_page_carries_its_token(house: House, office: Browser) -> None:
    looked = 0
    for method, path, _ in doors(house):
        if method == "GET":
            page = office.get(path).text
            forms = re.findall(r'<form method="post".*?</form>', page, re.S)
            assert all('name="csrf" value="' in form for form in forms), path
            assert page.count("<form") == len(forms), path
            looked += len(forms)
    assert looked > 20


def test_a_form_without_the_token_with_another_or_an_old_one_changes_nothing(
    house: House, dana: Account, desk: Browser
) -> None:
    desk.get("/console/account")
    right = desk.token()
    stranger = Browser(house)
    stranger.signs_in(Account(house, "Ana Vega", Role.DISPATCHER))
    stranger.get("/console/account")
    cookie_bound = Browser(house)
    cookie_bound.get("/console/sign-in")
    for token in ("", "0" * 64, right[:-1], right.upper(), stranger.token(), cookie_bound.token()):
        answer = desk.post("/console/account/looks", csrf=token, theme="dark")
        assert answer.status_code == 403, token
    desk.post("/console/sign-out", csrf=right)
    desk.signs_in(dana)
    assert desk.post("/console/account/looks", csrf=right, theme="dark").status_code == 403, "old"

    assert house.rows("person", id=dana.id)[0].theme == ""


def test_a_token_in_the_header_of_a_script_does_as_well(
    house: House, dana: Account, desk: Browser
) -> None:
    desk.get("/console/account")
    answer = desk.post(
        "/console/account/looks", OURS | {"X-CSRF-Token": desk.token()}, csrf="", theme="dark"
    )

    assert answer.status_code == 303 and house.rows("person", id=dana.id)[0].theme == "dark"


@pytest.mark.parametrize(
    ("headers", "done"),
    [
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),  # ours, under no-referrer
        ({"Origin": "https://house.test", "Sec-Fetch-Site": "same-origin"}, True),
        ({}, True),  # a browser without these headers: the token alone decides
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.test"}, False),
        ({"Origin": "https://house.test.evil.test", "Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://house.test"}, False),
    ],
)
def test_a_form_of_somebody_elses_page_does_nothing_whatever_it_carries(
    house: House, dana: Account, desk: Browser, headers: dict[str, str], done: bool
) -> None:
    desk.get("/console/account")
    answer = desk.post("/console/account/looks", headers, theme="dark")

    assert (answer.status_code == 303) == done
    assert (house.rows("person", id=dana.id)[0].theme == "dark") == done


def test_nobody_is_signed_in_by_somebody_elses_page(house: House, dana: Account) -> None:
    browser = Browser(house)
    browser.get("/console/sign-in")
    form = {"name": dana.name, "password": PASSWORD}

    assert (
        browser.post("/console/sign-in", {"Sec-Fetch-Site": "cross-site"}, **form).status_code
        == 403
    )
    assert browser.post("/console/sign-in", csrf="", **form).status_code == 403
    assert browser.cookie() == ""


def test_a_page_of_somebody_elses_loads_nothing_of_the_console(house: House, desk: Browser) -> None:
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert desk.get("/console/account", **framed).status_code == 403
    assert desk.get("/console/account", **followed).status_code == 200, "a link in a mail"


def test_what_was_typed_is_kept_when_the_session_ended_meanwhile(
    house: House, dana: Account, desk: Browser
) -> None:
    """Signed out while filling in a form: sign in in another tab, come back, send it again."""
    desk.get("/console/account")
    accounts.end_sessions(house.parts, "Alex Kim", dana.id)
    words = 'a "long" <b>note</b>'
    answer = desk.post("/console/account/looks", theme="dark", note=words, password="geheim")

    assert answer.status_code == 401 and "Your words are kept" in answer.text
    assert "&lt;b&gt;note" in answer.text and "<b>note" not in answer.text
    assert "geheim" not in answer.text
    form = {"theme": "dark", "csrf": desk.token()}
    Browser.signs_in(desk, dana)
    again = desk.post("/console/account/looks", **form)
    assert again.status_code == 403 and "Your words are kept" in again.text
    assert desk.post("/console/account/looks", theme="dark").status_code == 303
    assert house.rows("person", id=dana.id)[0].theme == "dark"


def test_what_somebody_else_may_have_written_is_not_offered_to_be_sent_again(
    house: House, desk: Browser
) -> None:
    """The browser does not say which site's page sent it."""
    answer = desk.post("/console/account/looks", {}, csrf="", theme="dark", note="theirs")

    assert answer.status_code == 403 and "theirs" not in answer.text


def test_password_fields_are_hidden_and_named_for_managers(house: House, office: Browser) -> None:
    pages = [Browser(house).get("/console/sign-in").text]
    pages += [office.get(path).text for method, path, _ in doors(house) if method == "GET"]
    fields = [field for page in pages for field in re.findall(r"<input[^>]*>", page)]
    secret = [one for one in fields if re.search(r'name="(old_)?(password|pin)', one)]

    assert len(secret) >= 6
    for field in secret:
        assert 'type="password"' in field and "autocomplete=" in field, field


def test_the_way_out_is_on_every_page(house: House, office: Browser) -> None:
    for method, path, _ in doors(house):
        if method == "GET" and (answer := office.get(path)).status_code == 200:
            assert 'action="/console/sign-out"' in answer.text, path
    office.get("/console/account")
    assert office.post("/console/sign-out").headers["Clear-Site-Data"] == '"cache"'


# ---- accounts of staff ---------------------------------------------------------------------------


def test_an_administrator_adds_somebody_by_a_link_that_is_shown_once(
    house: House, office: Browser
) -> None:
    answer = office.submits("/console/people", name="  Ana   Vega ", role="dispatcher")
    found = re.search(r"https://house\.test(/console/first/[\w-]{40,})", answer.text)
    assert found
    newcomer = Browser(house)

    assert newcomer.get(found[1]).status_code == 200
    assert found[1] not in office.get("/console/people").text and "Ana Vega" in office.page.text
    assert ("Alex Kim", "person_added") in events(house)


@pytest.mark.parametrize(
    "name", ["", "x" * 41, "resident", "System", "console", "A<b>", "tab\there\x00", "ANA VEGA"]
)
def test_a_name_that_the_journal_could_mistake_is_refused(
    house: House, office: Browser, name: str
) -> None:
    Account(house, "Ana Vega", Role.DISPATCHER)
    before = len(house.rows("person"))

    assert office.submits("/console/people", name=name, role="dispatcher").status_code == 422
    assert len(house.rows("person")) == before


def test_an_unknown_role_is_refused(house: House, office: Browser) -> None:
    assert office.submits("/console/people", name="Ana Vega", role="owner").status_code == 422


def test_an_administrator_changes_role_disables_resets_and_signs_out(
    house: House, dana: Account, desk: Browser, office: Browser
) -> None:
    base = f"/console/people/{dana.id}"
    office.submits(base)
    office.opens(base)
    assert office.post(f"{base}/role", role="analyst").status_code == 303
    assert house.rows("person", id=dana.id)[0].role == "analyst"
    office.opens(base)
    assert office.post(f"{base}/sessions/end").status_code == 303
    assert not desk.is_in()
    desk.signs_in(dana)
    office.opens(base)
    one = sessions(house, dana)[0].id
    assert office.post(f"{base}/sessions/{one}/end").status_code == 303
    assert not desk.is_in()
    desk.signs_in(dana)
    office.opens(base)
    assert "/console/first/" in office.post(f"{base}/reset").text
    assert not desk.is_in() and desk.signs_in(dana).status_code == 403
    office.opens(base)
    assert office.post(f"{base}/disable").status_code == 303
    assert office.post(f"{base}/reset").status_code == 403, "the token of the page before"
    office.opens(base)
    assert office.post(f"{base}/enable").status_code == 303
    done = [event for who, event in events(house) if who == "Alex Kim"]
    assert done[1:] == [
        "person_role", "sessions_ended", "session_ended", "person_reset", "person_disabled",
        "person_enabled",
    ]  # fmt: skip


def test_somebody_stays_administrator(house: House, office: Browser) -> None:
    alex = _of(house, "Alex Kim")
    base = f"/console/people/{alex.id}"
    office.opens(base)
    assert office.post(f"{base}/disable").status_code == 422
    assert office.post(f"{base}/role", role="dispatcher").status_code == 422
    Account(house, "Second Admin", Role.ADMINISTRATOR)
    office.opens(base)
    assert office.post(f"{base}/role", role="dispatcher").status_code == 303


def test_light_or_dark_and_single_keys_are_kept_per_person(
    house: House, dana: Account, desk: Browser
) -> None:
    desk.submits("/console/account")
    desk.get("/console/account")
    desk.post("/console/account/looks", theme="dark")
    page = desk.get("/console/account").text

    assert 'data-theme="dark"' in page and 'data-single-keys="off"' in page
    assert desk.post("/console/account/looks", theme="pink").status_code == 422
    elsewhere = Browser(house)
    assert 'data-theme="dark"' in elsewhere.signs_in(dana).text


def test_the_journal_says_who_did_what_and_no_secret(
    house: House, dana: Account, desk: Browser, office: Browser
) -> None:
    written = str(house.rows("journal"))

    for secret in (PASSWORD, PIN, desk.cookie(), office.cookie(), "argon2"):
        assert secret not in written
    assert [who for who, event in events(house) if event == "signed_in"] == [
        "Dana Ruiz", "Alex Kim",
    ]  # fmt: skip


def test_dark_as_chosen_is_dark_as_the_machine_says() -> None:
    def values(block: str) -> dict[str, str]:
        return dict(re.findall(r"(--[\w-]+): (#[0-9A-F]{6})", block))

    tokens, console = (STATIC / "tokens.css").read_text(), (STATIC / "console.css").read_text()
    light = values(tokens[: tokens.index("@media")])
    dark = values(tokens.split("@media (prefers-color-scheme: dark)")[1].split("@media")[0])

    for theme, wanted in (("light", light), ("dark", dark)):
        assert wanted
        assert values(console.split(f'data-theme="{theme}"] {{')[1].split("}")[0]) == wanted
