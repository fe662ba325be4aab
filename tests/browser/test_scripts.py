"""What the scripts do, and that everything works without them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from stage import BASE, Opens, Stage
from states import NOON

from caller_service.web.residents.views import Spoken

CASES = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


def names(stage: Stage) -> list[str]:
    return [f"{post['path']} {post.get('answer') or post.get('act')}" for post in stage.posts]


# ---- sending ----------------------------------------------------------------------------------
@CASES
def test_an_answer_leads_to_the_next_screen_and_back_to_the_one_before(
    opens: Opens, stage: Stage, script: bool
) -> None:
    page = opens("/flow/2", java_script_enabled=script)
    page.get_by_role("button", name="No, none of these").click()
    expect(page).to_have_url(stage.url + "/flow/3")
    expect(page.locator(".step")).to_have_text("Question 3 of about 8")
    assert page.title() == "Question 3"
    page.get_by_role("button", name="Skip this one").click()
    expect(page).to_have_url(stage.url + "/flow/4")
    page.go_back()
    expect(page.locator(".step")).to_have_text("Question 3 of about 8")
    assert names(stage) == ["/flow/2 no", "/flow/3 skipped"]


def test_the_first_tap_counts_and_a_second_one_answers_nothing(opens: Opens, stage: Stage) -> None:
    page = opens("/flow/2")
    stage.hold.clear()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("[aria-busy]")).to_have_text("Sending")
    expect(page.get_by_role("status").first).to_have_text("Sending")
    assert page.locator(".answer[aria-disabled=true]").count() == 2
    page.get_by_role("button", name="No, none of these").click(force=True)
    page.get_by_role("button", name="Ask for a person").click(force=True)
    stage.hold.set()
    expect(page).to_have_url(stage.url + "/flow/3")
    assert names(stage) == ["/flow/2 yes"]
    assert page.evaluate("document.activeElement.tagName") == "H1"


def test_without_a_line_the_words_stay_and_can_be_sent_again(opens: Opens, stage: Stage) -> None:
    page = opens(f"{BASE}/s")
    page.get_by_role("textbox").first.fill("i dont feel good")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".unsent")).to_contain_text("Not sent yet")
    expect(page.get_by_role("textbox").first).to_have_value("i dont feel good")
    page.context.set_offline(False)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("textbox").first).to_have_value("")
    assert [post["words"] for post in stage.posts] == ["i dont feel good"]


def test_a_page_that_says_we_are_down_is_shown_in_place(opens: Opens, stage: Stage) -> None:
    page = opens("/flow/2")
    stage.down = True
    page.get_by_role("button", name="Not sure").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We could not take this right now")
    expect(page.get_by_role("link", name="Text 911")).to_be_visible()
    expect(page).to_have_url(stage.url + "/flow/2")


BROKEN = {
    "no-request": "XMLHttpRequest = undefined",
    "no-form-data": "FormData = function () { throw 0; }",
    "old": "Object.defineProperty(XMLHttpRequest.prototype, 'responseURL', {value: 0}); delete "
    "XMLHttpRequest.prototype.responseURL",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_script_that_dies_half_way_leaves_a_form_that_works(
    opens: Opens, stage: Stage, how: str
) -> None:
    page = opens("front")
    page.add_init_script(BROKEN[how])
    page.goto(stage.url + "/flow/2")
    page.get_by_role("button", name="Yes").click()
    expect(page).to_have_url(stage.url + "/flow/3")
    assert names(stage) == ["/flow/2 yes"]


def test_where_a_script_does_not_come_the_form_works(opens: Opens, stage: Stage) -> None:
    page = opens("front")
    page.route(re.compile(r"\.js\?"), lambda route: route.abort())
    page.goto(stage.url + "/flow/2")
    page.get_by_role("button", name="Yes").click()
    expect(page).to_have_url(stage.url + "/flow/3")


# ---- leaving ----------------------------------------------------------------------------------
LEAVES = {
    "button": lambda page: page.locator(".exit").click(),
    "first-in-tab-order": lambda page: (page.keyboard.press("Tab"), page.keyboard.press("Enter")),
    "shift": lambda page: [page.keyboard.press("Shift") for _ in range(3)],
}


@pytest.mark.parametrize("way", LEAVES)
def test_exit_replaces_the_page(opens: Opens, stage: Stage, way: str) -> None:
    page = opens("status-live")
    LEAVES[way](page)
    expect(page).to_have_url(stage.at("about"))
    page.go_back()
    assert "status-live" not in page.url


def test_the_page_is_blank_before_the_network_is_asked(opens: Opens, stage: Stage) -> None:
    page = opens("status-live")
    left = page.evaluate(
        """() => {
        document.querySelector(".exit").click();
        return document.body.textContent + document.title;
        }"""
    )
    assert left.strip() == ""
    expect(page).to_have_url(stage.at("about"))


def test_exit_works_without_a_script(opens: Opens, stage: Stage) -> None:
    page = opens("status-live", java_script_enabled=False)
    page.locator(".exit").click()
    expect(page).to_have_url(stage.at("about"))


def test_two_shifts_or_shift_while_typing_do_not_leave(opens: Opens) -> None:
    page = opens("status-live")
    page.get_by_role("textbox").first.focus()
    for _ in range(4):
        page.keyboard.press("Shift+A")
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    assert page.url.endswith("/status-live")


# ---- polling ----------------------------------------------------------------------------------
def soon(page: Page) -> None:
    """Poll at once, as when the page is opened again."""
    page.evaluate("window.dispatchEvent(new Event('online'))")


def words(number: int) -> tuple[Spoken, ...]:
    return tuple(Spoken(False, "Dana", f"Word {one}", NOON, "") for one in range(number))


def test_new_words_come_and_what_is_typed_stays(opens: Opens, stage: Stage) -> None:
    page = opens(f"{BASE}/s")
    page.get_by_role("textbox").first.press_sequentially("i am st")
    stage.told = {"version": "v2", "stands": "You are writing with Dana.", "talk": words(2)}
    soon(page)
    expect(page.locator(".theirs")).to_have_count(2)
    expect(page.locator("h1")).to_have_text("You are writing with Dana.")
    expect(page.get_by_role("status").first).to_contain_text("Word 1")
    page.keyboard.type("ill here")
    expect(page.get_by_role("textbox").first).to_have_value("i am still here")


def test_nothing_moves_while_nothing_changed(opens: Opens, stage: Stage) -> None:
    page = opens(f"{BASE}/s")
    page.evaluate("document.querySelectorAll('[data-part]').forEach(one => one.mine = 1)")
    with page.expect_response("**/s/state?v=v1") as answer:
        soon(page)
    assert answer.value.json() == {"v": "v1"}
    assert page.evaluate("[...document.querySelectorAll('[data-part]')].every(one => one.mine)")


def test_a_box_that_somebody_has_opened_stays_open(opens: Opens, stage: Stage) -> None:
    page = opens(f"{BASE}/s")
    page.get_by_text("Cancel my request").click()
    stage.told = {"version": "v2", "can_cancel": False, "stands": "Someone has taken it."}
    soon(page)
    expect(page.locator("h1")).to_have_text("Someone has taken it.")
    expect(page.get_by_role("button", name="Yes, cancel it")).to_be_visible()


def test_without_internet_it_says_since_when_and_keeps_the_page(opens: Opens, stage: Stage) -> None:
    page = opens(f"{BASE}/s")
    page.get_by_role("textbox").first.fill("still here")
    page.context.set_offline(True)
    soon(page)
    expect(page.locator("#stale")).to_contain_text("No internet since")
    expect(page.locator(".steps")).to_be_visible()
    page.context.set_offline(False)
    soon(page)
    expect(page.locator("#stale")).to_be_hidden()
    expect(page.get_by_role("textbox").first).to_have_value("still here")


def test_what_was_locked_meanwhile_is_not_seen_any_more(opens: Opens, stage: Stage) -> None:
    stage.told = {"talk": words(2)}
    page = opens(f"{BASE}/s")
    expect(page.locator(".theirs")).to_have_count(2)
    stage.locked = True
    soon(page)
    expect(page.locator("h1")).to_have_text("Your page is hidden")
    expect(page.locator(".theirs")).to_have_count(0)


def test_whoever_types_is_not_left_alone(opens: Opens, stage: Stage) -> None:
    """The page hid its words from somebody in the middle of a long sentence, which was lost."""
    page = opens(f"{BASE}/s")
    for typed, used in (("", 0), ("I do not know how to say this", 1), ("", 1)):
        if typed:
            page.get_by_role("textbox").first.fill(typed)
        with page.expect_response("**/s/state*"):
            soon(page)
        assert stage.used == used, typed


def test_one_loop_looks_and_none_while_the_page_is_hidden(opens: Opens, stage: Stage) -> None:
    page = opens("front")
    page.clock.install()
    page.goto(stage.url + f"{BASE}/s")
    for _ in range(3):
        soon(page)  # however often it is triggered, there is only one request at a time
    page.clock.run_for(100)
    page.wait_for_load_state("networkidle")
    looks = stage.looks
    assert 1 <= looks <= 3
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    page.clock.run_for(120_000)
    page.wait_for_load_state("networkidle")
    assert stage.looks <= looks + 1


def test_the_danger_page_shows_when_somebody_has_written(opens: Opens, stage: Stage) -> None:
    page = opens("danger")
    joined = page.request.get(stage.at("danger-joined")).text()
    page.route("**/flow/2", lambda route: route.fulfill(body=joined, content_type="text/html"))
    soon(page)
    expect(page.locator("#p-asked")).to_contain_text("Dana, a person, has written to you.")


def test_without_a_script_a_frame_shows_new_words_beside_the_field(
    opens: Opens, stage: Stage
) -> None:
    stage.told = {"talk": words(1)}
    page = opens(f"{BASE}/s", java_script_enabled=False)
    page.get_by_role("textbox").first.fill("typing")
    frame = page.frame_locator("iframe")
    expect(frame.locator(".theirs")).to_have_count(1)
    expect(page.locator("#p-talk")).to_be_hidden()
    stage.told = {"talk": words(2)}
    expect(frame.locator(".theirs")).to_have_count(2, timeout=60_000)
    expect(page.get_by_role("textbox").first).to_have_value("typing")


# ---- the phone's location ---------------------------------------------------------------------
def located(context: BrowserContext, accuracy: float) -> None:
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": 39.7061234, "longitude": -105.0, "accuracy": accuracy})


def test_the_location_is_asked_for_when_it_is_pressed_and_its_accuracy_is_said(
    opens: Opens, stage: Stage
) -> None:
    page = opens("place")
    assert page.locator("[name=latitude]").input_value() == ""
    located(page.context, 30)
    page.get_by_role("button", name="Use this phone's location").click()
    expect(page.locator("#located")).to_contain_text("within about 100 feet")
    fields = [page.locator(f"[name={name}]").input_value() for name in ("latitude", "accuracy")]
    assert fields == ["39.706123", "30"] and stage.posts == []
    located(page.context, 4000)
    page.get_by_role("button", name="Use this phone's location").click()
    expect(page.locator("#located")).to_contain_text("only within about 2.5 miles")


def test_a_phone_that_refuses_is_answered_in_words(opens: Opens) -> None:
    page = opens("place")
    page.get_by_role("button", name="Use this phone's location").click()
    expect(page.locator("#located")).to_contain_text("does not share its location")


def test_without_a_script_no_button_is_shown_that_does_nothing(opens: Opens) -> None:
    page = opens("place", java_script_enabled=False)
    expect(page.locator("#locate")).to_be_hidden()
