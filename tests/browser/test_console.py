"""The console in a real browser: whole shifts by keyboard, its sounds, and its looks. The service's
clock stands still until a test moves it, and is years away from the machine's: pages must count in
the service's time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
import sqlalchemy as sa
from conftest import House
from network import Network
from playwright.sync_api import Locator, Page, expect
from running import until
from staff import PASSWORD, PIN, Account, copied
from stage import Opens, Stage

from caller_service.core.roles import Role
from caller_service.store.database.group_commit import DirectWriter

PILLS, GUN = "i took all my pills goodbye", "he has a gun and wants to kill me"
# records how loud the last tone was, and disables the page's own timers: only the worker ticks
HEARS = """
const ramp = AudioParam.prototype.exponentialRampToValueAtTime;
AudioParam.prototype.exponentialRampToValueAtTime = function (value, at) {
  if (value > 0.01) document.documentElement.setAttribute("data-loud", value);
  return ramp.call(this, value, at);
};
window.setInterval = () => 0;
"""
LOUD, HALF = "html[data-loud='0.4']", "html[data-loud='0.2']"


class Desk:
    """A service whose staff use real browsers."""

    def __init__(self, house: House, opens: Opens) -> None:
        self.house, self.opens = house, opens

    def person(self, name: str = "Dana Ruiz", codes: bool = False) -> Account:
        return Account(self.house, name, Role.DISPATCHER, codes)

    def signs_in(
        self, who: Account | None = None, width: int = 1440, height: int = 900, **more: Any
    ) -> Page:
        """Sign in by keyboard alone. `hears`: a script that runs before the page's own."""
        who, hears = who or self.person(), more.pop("hears", "")
        page = self.opens("/console/sign-in", width=width, height=height, **more)
        if hears:
            page.add_init_script(hears)
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type(who.name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        if who.totp:
            expect(page.locator("#code")).to_be_focused()
            page.keyboard.type(who.code())
            page.keyboard.press("Enter")
        expect(page.locator("#queue")).to_be_visible()
        return page

    def in_danger(self, words: str = PILLS, number: str = "+17205550123") -> Any:
        me = self.house.resident(number)
        me.texts(words)
        return me


@pytest.fixture
def desk(stage: Stage, outside: responses.RequestsMock, opens: Opens) -> Iterator[Desk]:
    house = House(stage.app, outside)
    yield Desk(house, opens)
    for page in [page for one in opens.contexts for page in one.pages]:  # type: ignore[attr-defined]
        # a page that still polls would reach a service that is being torn down
        page.goto("about:blank")
    house.clean()


def rows(page: Page, band: str = "nobody") -> Locator:
    return page.locator(f"tbody[data-band={band}] tr[data-key]")


def keys(page: Page, *pressed: str) -> None:
    """Press single keys while the heading of the case has the focus."""
    page.locator("#ref").focus()
    for key in pressed:
        page.keyboard.press(key)


# The rows after these are alike: with all 500 of them axe-core took 40 s for one page.
LOOKED_AT = """axe.run({exclude: [["tbody > tr:nth-child(n + 16)"], ["section > a:nth-of-type(n + 9)"]]},
  {resultTypes: ["violations"]})"""


def findings(page: Page, axe: str) -> list[str]:
    """What axe-core finds on a page, limited to the first rows of each table and list."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate(LOOKED_AT)
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


def looks_like(page: Page, name: str) -> None:
    """Save a screenshot if CALLER_PICTURES names a folder."""
    if folder := os.environ.get("CALLER_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_whole_shift_by_keyboard(desk: Desk, axe: str) -> None:
    """Sign-in with a code; a danger by text appears by itself and is taken, written to, given a
    team that arrives, and closed; another one is handed over."""
    house, dana = desk.house, desk.person(codes=True)
    page = desk.signs_in(dana)
    expect(page.locator("tbody[data-band=nobody] .empty")).to_be_visible()
    me = desk.in_danger()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_title("(1) Queue")
    page.keyboard.press("Shift")  # any key lets it ring
    expect(page.locator("#sound-off")).to_be_hidden()
    other = desk.in_danger(GUN, "+17205550124")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("html[data-rang]")).to_have_count(1)
    expect(page.locator("#filters")).to_contain_text("Everything 2")
    assert findings(page, axe) == []
    looks_like(page, "queue")

    rows(page).first.locator(".ref").focus()
    page.keyboard.press("a")
    expect(page.get_by_text("You have it. Nobody else is asked now.")).to_be_visible()
    keys(page, "1")
    expect(page.locator("#w")).to_have_value("I am reading what you write. Keep writing.")
    page.keyboard.press("Control+Enter")
    sent = page.locator(".talk .us:not(.asked) .words")
    expect(sent).to_have_text("I am reading what you write. Keep writing.")
    expect(page.locator("#w")).to_have_value("")
    house.settles()
    assert house.texts_to(me.number)[-1].endswith(": I am reading what you write. Keep writing.")
    me.texts("please hurry")
    expect(page.locator(".talk .them .words").last).to_contain_text("please hurry")
    expect(page.locator("#p-waits")).to_contain_text("Reply in")
    assert findings(page, axe) == []
    looks_like(page, "case")

    keys(page, "t")  # opens "Send a team", with its first field focused
    expect(page.locator("#assign-team")).to_be_focused()
    page.get_by_role("button", name="Send it").first.press("Enter")
    expect(page.get_by_text("The team is assigned.")).to_be_visible()
    for status, said in (("en_route", "on its way"), ("arrived", "team is there")):
        keys(page, "s")
        expect(page.locator("#status-to")).to_have_value(status)
        page.get_by_role("button", name="Note it").first.press("Enter")
        expect(page.get_by_text("The status is noted.")).to_be_visible()
        expect(page.locator("#p-packet")).to_contain_text(re.compile(said, re.I))
    keys(page, "c")
    page.locator("#close-outcome").select_option("emergency_help_confirmed")
    page.locator("#close-police").select_option("no")
    looks_like(page, "case-close")
    page.get_by_role("button", name="Close it").press("Enter")
    expect(page.locator("#tt")).to_have_text("Ended")
    assert me.case().outcome == "emergency_help_confirmed"

    keys(page, "n")  # the next one waiting
    expect(page.locator("#ref")).to_contain_text(other.case().reference)
    keys(page, "a")
    expect(page.get_by_text("You have it.")).to_be_visible()
    keys(page, "2")
    page.keyboard.press("Control+Enter")
    expect(sent).to_have_count(1)
    keys(page, "m")
    page.get_by_text("Hand over", exact=True).press("Enter")
    page.locator("#hand-to").select_option("Shift supervisor")
    page.locator("#hand_over-reason").fill("My shift ends")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is handed over.")).to_be_visible()
    expect(page.locator("#tt")).to_have_text("Shift supervisor has it")


def test_three_dangers_at_three_in_the_morning_with_one_dispatcher(desk: Desk) -> None:
    """She is rung for each; half as loud while she writes; by a web worker, which goes on in a
    hidden page, and when her session is idle. She holds three, and cannot take the fourth."""
    house = desk.house
    page = desk.signs_in(hears=HEARS)
    page.keyboard.press("Shift")
    three = [desk.in_danger(PILLS, f"+1720555014{number}") for number in range(3)]
    expect(rows(page)).to_have_count(3)
    expect(page.locator(LOUD)).to_have_count(1)
    page.keyboard.press("Escape")
    for one in three:
        page.goto(f"{page.url.split('/console')[0]}/console/cases/{one.case().id}")
        keys(page, "a")
        expect(page.get_by_text("You have it.")).to_be_visible()
        keys(page, "8")  # "I am helping someone else too"
        page.keyboard.press("Control+Enter")
        expect(page.locator(".talk .us:not(.asked)")).to_have_count(1)
    house.settles()
    expect(page.locator("#rail")).to_contain_text("Yours 3")
    house.wait(20)
    three[1].texts("are you there")
    expect(page.locator("#rail a").first).to_contain_text(three[1].case().reference)

    page.locator("#w").fill("I read")  # the message field has the focus
    desk.in_danger(GUN, "+17205550149")
    expect(page.locator("#rail")).to_contain_text("Nobody yet 1")
    expect(page.locator(HALF)).to_have_count(1)
    page.locator("#ref").focus()
    expect(page.locator(LOUD)).to_have_count(1)
    keys(page, "n")  # the first of her cases has waited longest
    expect(page.locator("#ref")).to_contain_text(three[1].case().reference)
    page.locator("#rail a.untaken").click()
    expect(page.locator("#p-acts")).to_contain_text("You hold three dangers")

    house.wait(11 * 60)  # nobody uses it
    expect(page.locator("#locked")).to_be_visible()
    expect(page.get_by_text("gun")).to_have_count(0)
    expect(page.locator("#locked-alarm li")).not_to_have_count(0)
    page.evaluate("document.documentElement.removeAttribute('data-loud')")
    expect(page.locator("html[data-loud]")).to_have_count(1)
    page.locator("#unlock").fill(PIN)
    page.keyboard.press("Enter")
    expect(page.locator("#ref")).to_be_visible()


def test_two_dispatchers_at_once_see_who_did_what_and_keep_their_words(desk: Desk) -> None:
    dana, maria = desk.signs_in(), desk.signs_in(desk.person("Maria Sol"))
    me = desk.in_danger()
    for page in (dana, maria):
        rows(page).locator(".ref").focus()
    mine = rows(maria).get_attribute("data-key")
    desk.in_danger(GUN, "+17205550124")
    expect(rows(maria)).to_have_count(2)  # the focus stays on its row while others are added
    there = "document.activeElement.closest('tr').getAttribute('data-key')"
    assert maria.evaluate(there) == mine
    maria.keyboard.press("Enter")
    maria.locator("#w").press_sequentially("a car")  # typed letters are not shortcuts
    expect(maria.locator("#draft-state")).to_have_text("Draft kept.")

    dana.keyboard.press("a")
    dana.locator("#w").fill("I am here.")
    dana.keyboard.press("Control+Enter")

    expect(maria.locator("#tt")).to_have_text("Dana Ruiz has it")
    expect(maria.locator(".talk .us:not(.asked) .words")).to_have_text("I am here.")
    maria.locator("#w").press("Control+Enter")
    expect(maria.locator("#fault")).to_contain_text("Dana Ruiz holds the conversation")
    expect(maria.locator("#w")).to_have_value("a car")
    assert len(desk.house.rows("message", keys="note")) == 1
    case = maria.url
    assert case.endswith(me.case().id)  # a reload there shows the case, not a form
    maria.locator("#w").fill("a cart")
    maria.get_by_role("link", name="Queue").click()  # at once: the draft is saved on leaving

    def kept() -> bool:
        maria.goto(case)
        return maria.locator("#w").input_value() == "a cart"

    until(kept, "the last words are kept")
    maria.locator("[name=take_over]").check()
    maria.locator("#w").press("Control+Enter")
    expect(dana.locator("#tt")).to_have_text("Maria Sol has it")
    assert me.case().reference in dana.title()


def test_what_is_typed_and_seen_outlives_a_database_that_is_away(desk: Desk) -> None:
    """The page says how old it is, the message stays in its field, and both continue by
    themselves."""
    house, real = desk.house, desk.house.parts
    desk.in_danger()
    page = desk.signs_in()
    rows(page).locator(".ref").click()
    keys(page, "a")
    expect(page.get_by_text("You have it.")).to_be_visible()

    class Away:
        def connect(self) -> None:
            raise sa.exc.OperationalError("", {}, Exception("away"))

        begin = connect

    house.change(engine=Away(), writer=DirectWriter(Away()))  # type: ignore[arg-type]
    page.locator("#w").fill("Are you alone?")
    page.locator("#w").press("Control+Enter")
    expect(page.locator("#draft-state")).to_contain_text("Not sent. Your words are in this field")
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#offline")).to_contain_text("Phones still ring")
    expect(page.locator("#offline [data-for]")).to_have_text(re.compile(r"0:\d\d"))
    expect(page.locator("#w")).to_have_value("Are you alone?")
    expect(page.locator(".talk .them .words").first).to_contain_text("pills")
    # the machine's clock is years ahead of the service's
    expect(page.locator(".timer")).to_have_text(re.compile(r"Write first words in 1:\d\d"))
    looks_like(page, "away")
    page.get_by_role("button", name="Another human").click()
    expect(page.get_by_role("heading", name="Not done yet")).to_be_visible()
    looks_like(page, "kept")

    house.change(engine=real.engine, writer=real.writer)
    page.get_by_role("button", name="Try it again").click()
    expect(page.locator("#ref")).to_be_visible()
    page.locator("#w").fill("Are you alone?")
    page.locator("#w").press("Control+Enter")
    expect(page.locator(".talk .us:not(.asked) .words")).to_have_text("Are you alone?")
    expect(page.locator("#offline")).to_be_hidden()


def test_the_same_words_are_sent_again_where_somebody_means_it(desk: Desk) -> None:
    """Without leaving the page: an earlier identical message does not prevent sending it again."""
    house, me, page = desk.house, desk.in_danger(), desk.signs_in()
    rows(page).locator(".ref").focus()
    page.keyboard.press("a")
    for many in (1, 2):
        page.locator("#w").fill("Are you there?")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".talk .us:not(.asked) .words")).to_have_count(many)
        # news of the case, which the conversation shows, leaves it there
        expect(page.locator("#draft-state")).to_have_text("Sent.")
    assert len(house.rows("message", case_id=me.case().id, keys="note")) == 2


def test_a_resident_on_the_web_and_a_dispatcher_write_to_each_other(desk: Desk) -> None:
    """Each sees the other's messages appear by themselves, and only on the page."""
    house, page = desk.house, desk.signs_in()
    mine = desk.opens("/request")
    for name, value in (("answer", "me"), ("answer", "yes"), ("act", "go_on"), ("answer", "page")):
        mine.locator(f"button[name={name}][value={value}]").first.click()
    mine.fill("#place", "Main St and 3rd Ave")
    mine.locator("main form button.main").last.click()
    expect(mine.locator("h1.stands")).to_be_visible()
    mine.fill("#words", "half a sentence")

    rows(page).locator(".ref").focus()
    page.keyboard.press("a")
    expect(page.locator("#p-presence")).to_contain_text("Their page is open")
    expect(page.locator(".terms")).to_contain_text("Do not call. Do not text.")
    page.locator("#w").fill("I am Dana. Are you safe?")
    page.keyboard.press("Control+Enter")

    expect(mine.locator(".words", has_text="I am Dana. Are you safe?")).to_be_visible()
    expect(mine.locator("#words")).to_have_value("half a sentence")
    mine.fill("#words", "he is at the door")
    mine.locator(".foot button.main").click()
    expect(page.locator(".talk .them .words").last).to_contain_text("he is at the door")
    looks_like(page, "case-web")
    house.settles()
    assert house.sent == [one for one in house.sent if one["To"].startswith("+1720555013")]


def test_a_danger_by_phone_is_seen_and_others_ring_half_as_loud_while_they_speak(
    desk: Desk, axe: str
) -> None:
    """A call that nobody answers appears on the page of calls by itself, wherever the focus is."""
    page = desk.signs_in(desk.person("Dispatcher on duty"), hears=HEARS)
    page.keyboard.press("Shift")
    network = Network(desk.house)
    me = network.phone("+17205550123").dials().listens().press("1").listens().press("1")
    network.works()
    me.waits(10)
    expect(rows(page)).to_contain_text("On the line")
    expect(page.locator(LOUD)).to_have_count(1)
    person = network.phone("+17205550130").rings().answers().listens().press("1")
    person.joined("Resident")
    rows(page, "human").locator(".ref").click()

    expect(page.locator("#p-presence")).to_contain_text("On the line, speaking with a human")
    looks_like(page, "case-phone")
    page.locator("#ref").focus()  # no field has the focus, so it is quieter because of the call
    page.evaluate("document.documentElement.removeAttribute('data-loud')")
    desk.in_danger(GUN, "+17205550149")
    expect(page.locator(HALF)).to_have_count(1)
    me.hangs_up()
    network.works(3)
    expect(page.locator("#p-presence")).not_to_contain_text("speaking")
    expect(page.locator(LOUD)).to_have_count(1)

    page.get_by_role("link", name="Callbacks").click()
    expect(page.locator("#missed .empty")).to_be_visible()
    network.phone("+17205550124").dials().hangs_up()
    network.works(3)
    missed = page.locator("#missed tr[data-key]")
    expect(missed).to_have_count(1)
    expect(page.locator("[data-stood]")).to_be_hidden()  # the page is up to date
    missed.get_by_role("button", name="Looked at").focus()
    network.phone("+17205550125").dials().hangs_up()
    network.works(3)
    expect(missed).to_have_count(2)
    expect(page.locator("h2[data-band=missed] [data-count]")).to_have_text("2")
    focus = "document.activeElement.closest('tr') === document.querySelectorAll('#missed tr[data-key]')[1]"
    assert page.evaluate(focus), "the focus stays on its row while others come"
    assert findings(page, axe) == []
    looks_like(page, "callbacks")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("Phones still ring")
    expect(missed).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()


# what stands to the right of the column it belongs to, where nobody can read it
CUT = """
[...document.querySelectorAll('.packet *, .talk *, .alarm *')].filter(one =>
  one.getBoundingClientRect().right > one.closest('.packet, .talk, .alarm')
    .getBoundingClientRect().right + 1
).map(one => one.textContent.slice(0, 40))
"""


def test_a_long_word_is_read_to_its_end(desk: Desk) -> None:
    """A place may be a link without a space, and so may a reason or a care note."""
    link = "https://maps.example.org/" + "q=39.7392,-104.9903&" * 12
    dana = desk.person()
    me = desk.in_danger(f"{PILLS} {link}")
    by = {"by": dana.name, "reason": link}
    for act, told in (
        ("acknowledgement", {"by": dana.name, "answer": "accept"}),
        ("answers", {**by, "question": "health", "choice": "yes"}),
        ("care-note", {**by, "words": link, "days": 7}),
    ):
        assert desk.house.dispatch(f"/{me.case().id}/{act}", told).status_code == 200, act
    page = desk.signs_in(dana)
    page.goto(f"{page.url.removesuffix('/queue')}/cases/{me.case().id}")
    page.evaluate(ALL_FORMS)
    page.locator("#place-words").fill(link)
    page.locator("#place-words").press("Enter")
    expect(page.locator(".packet b", has_text=link[:60])).to_be_visible()
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT) == []


MODES: dict[str, tuple[int, dict[str, Any]]] = {
    "light": (1440, {}),
    "dark": (1440, {"color_scheme": "dark"}),
    "200": (720, {}),  # 1440 points at 200 %
    "small and dark": (360, {"color_scheme": "dark"}),
    "forced": (1440, {"forced_colors": "active"}),
}


ALL_FORMS = "document.querySelectorAll('.acts details').forEach(one => one.open = true)"
# the forms that make the page wider than its window, each opened on its own as a user would
WIDE_FORMS = """
[...document.querySelectorAll('.acts details')].filter(one => {
  const all = document.querySelectorAll('.acts details');
  all.forEach(each => each.open = each.contains(one));
  const root = document.documentElement, wide = root.scrollWidth > root.clientWidth;
  all.forEach(each => each.open = false);
  return wide;
}).map(one => one.querySelector('summary').textContent)
"""


def test_every_page_is_readable_in_every_state(desk: Desk, axe: str) -> None:
    """Empty, with 500 cases, with right-to-left text, ended, refused, before signing in and for an
    administrator; light, dark, enlarged, on a phone, in forced colors. No page is wider than its
    window."""
    house, dana = desk.house, desk.person()
    page = desk.signs_in(dana)
    home = page.url.removesuffix("/queue")

    def looked_at(name: str, *modes: str) -> None:
        expect(page.locator("h1").first).to_be_attached()
        for mode in modes or ("light", "small and dark"):
            width, media = MODES[mode]
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(
                color_scheme=media.get("color_scheme", "light"),
                forced_colors=media.get("forced_colors", "none"),
            )
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            looks_like(page, f"{name}-{mode}")
            assert page.evaluate(wide) <= 0, (name, mode)
            if mode not in ("200", "forced"):  # the same rules apply there
                assert findings(page, axe) == [], (name, mode)

    looked_at("empty", "light")
    arabic = desk.in_danger("تناولت كل الحبوب <b>وداعا</b> \u202e", "+17205550141").case()
    hurt = desk.in_danger(PILLS, "+17205550142").texts("1")
    house.wait(40)
    brother = desk.in_danger("my brother shouts", "+17205550143")
    brother.texts("3", "2", "2", "3", "2", "2", "1", "Main St and 3rd Ave", "2", "2")
    for number, words in enumerate(("me quiero morir, tengo pastillas", GUN)):
        desk.in_danger(words, f"+1720555015{number}")
    house.resident("+17205550144").wants_a_team()
    team = house.resident("+17205550144").case()
    house.settles()
    assert hurt.case().level == "R1"
    for path, act, form in (
        (f"/cases/{brother.case().id}", "take", {}),
        (f"/cases/{team.id}", "take", {"minutes": "20"}),
    ):
        page.goto(home + path)
        token = page.locator("body").get_attribute("data-csrf")
        page.request.post(f"{home}{path}/{act}", form={"csrf": token or "", **form})

    def sends(path: str, act: str, **form: str) -> None:
        """Post a form that the browser itself would not submit; the response says why nothing was
        done."""
        page.goto(f"{home}{path}")
        page.evaluate(
            """([path, act, form]) => { const one = document.createElement("form");
            one.method = "post"; one.action = location.pathname + "/" + act;
            form.csrf = document.body.getAttribute("data-csrf");
            for (const name in form) { const field = document.createElement("input");
            field.name = name; field.value = form[name]; one.append(field); }
            document.body.append(one); one.submit(); }""",
            [path, act, form],
        )
        page.wait_for_url(f"**/{act}")

    sends(f"/cases/{arabic.id}", "close", police="yes", outcome="safe")
    expect(page.locator("#fault")).to_contain_text("Nothing was done")
    looked_at("case-refused")
    sends("/callbacks", f"{arabic.id}/now")
    looked_at("callbacks-refused")
    sends("/shift", f"{arabic.id}/take")
    looked_at("shift-refused")
    page.goto(f"{home}/cases/{hurt.case().id}")
    for act, told in (
        ("place", {"place": "Main St and 3rd Ave"}),
        ("call_911", {"reason": "Not breathing well", "tell": "said"}),
    ):
        token = page.locator("body").get_attribute("data-csrf") or ""
        seen = page.locator("[name=seen]").first.get_attribute("value") or ""
        form = {"csrf": token, "seen": seen, **told}
        assert page.request.post(f"{page.url}/{act}", form=form).ok
        page.reload()
    expect(page.locator("#p-packet")).to_contain_text("The 911 center for this place")
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate(WIDE_FORMS) == []
    page.evaluate(ALL_FORMS)
    looked_at("case-forms", "light", "dark")
    ended = house.resident("+17205550146")
    ended.wants_a_team()
    told = {"status": "closed", "by": "Maria", "outcome": "resolved", "police": "no"}
    assert house.dispatch(f"/{ended.case().id}/status", told).status_code == 200
    page.goto(f"{home}/cases/{ended.case().id}")
    page.evaluate(ALL_FORMS)
    looked_at("case-ended", "light", "dark")
    for name, path in (  # "none" gets a 404, "not-allowed" a 403
        ("readers", f"/cases/{arabic.id}/readers"), ("account", "/account"),
        ("password", "/account/password"), ("codes", "/account/codes"),
        ("recovery", "/account/recovery"), ("pin", "/account/pin"), ("callbacks", "/callbacks"),
        ("shift", "/shift"), ("step-up", "/step-up"),
        ("none", "/cases/none"), ("not-allowed", "/people"), ("unlock", "/unlock"),
    ):  # fmt: skip
        page.goto(home + path)
        looked_at(name)
    page.goto(f"{home}/queue")
    page.locator("#find").fill("+1 720 555 0199")
    page.locator("#find").press("Enter")
    looked_at("found")

    page.goto(f"{home}/queue")
    page.keyboard.press("Shift")
    looks_like(page, "queue-few")
    copied(house, team.id, 440)
    copied(house, arabic.id, 40, language="es")
    page.goto(f"{home}/queue")
    looked_at("queue-500", *MODES)
    page.goto(f"{home}/queue?page_of=teams&number=2")
    looked_at("queue-page-2", "light")
    page.goto(f"{home}/cases/{hurt.case().id}?show=everything")
    looked_at("case-r1", *MODES)
    page.goto(f"{home}/cases/{arabic.id}")
    looked_at("case-arabic", "light")

    page.goto("about:blank")  # an open page would look for news, and be refused
    page.context.clear_cookies()
    chief = Account(house, "Alex Kim", Role.ADMINISTRATOR)
    page.goto(f"{home}/sign-in")
    for password in ("not it", PASSWORD):
        page.get_by_label("Name").fill(chief.name)
        page.get_by_label("Password").fill(password)
        looked_at("sign-in", "small and dark")
        page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    looked_at("code")
    page.locator("#code").fill(chief.code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    looked_at("people")
    page.get_by_role("link", name=dana.name).click()
    looked_at("person")
