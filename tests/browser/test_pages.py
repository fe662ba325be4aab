"""Each page for residents in each state, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import html5lib
import pytest
from playwright.sync_api import Page
from stage import BASE, Opens, Stage
from states import QUESTIONS, SAFETY, STATES

from caller_service.web.shared.static_files import read_files

LANGUAGES = ("en", "es", "xa")
LIKE_OTHERS = {f"question-{name}" for name in QUESTIONS} - {
    "question-who", "question-safety", "question-contact", "question-need",
}  # fmt: skip
# `out` navigates away by itself; the other questions differ only in their text
WHOLE = tuple(state for state in STATES if state != "out" and state not in LIKE_OTHERS)
# one of each template, and every page with parts that others lack
SOME = (
    "front", "about", "question-first", "question-safety", "question-told", "place-many", "number-fault",
    "danger", "danger-calm", "check-fault", "status-live", "status-asked", "status-ended", "words",
    "code-fault", "error-down",
)  # fmt: skip
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def visit(page: Page, stage: Stage, state: str, language: str = "en") -> None:
    page.goto(stage.at(state, language))


# ---- no findings ------------------------------------------------------------------------------
FINDS = """async (frame) => {
  // the frame that stands in for a script renews itself, and holds nothing that could be lost
  const rules = frame ? {"meta-refresh": {enabled: false}} : {};
  const found = await axe.run(document, {resultTypes: ["violations"], iframes: false, rules});
  return found.violations.map(one => one.id + ": " + one.nodes.map(node => node.html).join(" "));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(opens: Opens, stage: Stage, axe: str, scheme: str) -> None:
    page = opens("front", color_scheme=scheme)
    found = {}
    for state in WHOLE if scheme == "light" else SOME:
        visit(page, stage, state)
        page.evaluate(axe)
        found[state] = page.evaluate(FINDS, state.startswith("words"))
    assert {state: faults for state, faults in found.items() if faults} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_of_every_state_is_valid(stage: Stage, language: str) -> None:
    client = stage.app.test_client()
    for state in STATES if language == "en" else WHOLE:
        answer = client.get(f"/show/{language}/{state}")
        assert answer.status_code == 200, state
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(answer.text)
        assert [fault[1] for fault in parser.errors] == [], state
        ids = re.findall(r'\sid="([^"]*)"', answer.text)
        assert len(ids) == len(set(ids)), state
        for named in re.findall(r'(?:for|aria-describedby|aria-labelledby)="([^"]*)"', answer.text):
            assert set(named.split()) <= set(ids), state
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src)", answer.text), state
        assert not re.search(r"!(?!doctype)|\u2026|\.\.\.", re.sub(r"<[^>]*>", "", answer.text)), (
            state
        )


HEADINGS = """[...document.querySelectorAll("h1, h2, h3")]
  .filter(one => one.checkVisibility()).map(one => +one.tagName[1])"""
SMALL = """[...document.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea")]
  .filter(one => one.checkVisibility() && !one.classList.contains("skip"))
  .filter(one => getComputedStyle(one).display !== "inline")
  .map(one => [one.textContent.trim(), one.getBoundingClientRect().height])
  .filter(([, height]) => height < 24)"""


def test_each_page_has_one_first_heading_and_nothing_too_small_to_press(
    opens: Opens, stage: Stage
) -> None:
    """Levels are not skipped. Target size as in WCAG 2.5.8, except for links inside a sentence;
    answers are twice as large."""
    page = opens("front")
    for state in WHOLE:
        visit(page, stage, state)
        levels, small = page.evaluate(f"[{HEADINGS}, {SMALL}]")
        assert levels.count(1) == 1 and set(levels) <= {1, 2}, (state, levels)
        assert small == [], state


def test_names_are_read_from_the_accessibility_tree_without_a_script(
    opens: Opens, stage: Stage
) -> None:
    page = opens("question-safety", java_script_enabled=False)
    tree = page.locator("body").aria_snapshot()
    # in this order: exit, language, question, its parts, answers, why, back and skip, a person and
    # 911
    names = (
        'link "Exit this page. Or press Shift three times."', 'link "Exit this page"',
        'button "Español"', 'group "Question 2 of about 8 Is any of this happening now?"',
        'heading "Is any of this happening now?" [level=1]', "listitem: Someone holds a weapon.",
        'button "Yes, one or more"', 'button "No, none of these"', 'button "Not sure"',
        "paragraph: \"Why we ask:", 'link "‹ Back"', 'button "Skip this one"',
        'button "Ask for a person"', 'link "Call 911"',
    )  # fmt: skip
    at = [tree.find(name) for name in names]
    assert -1 not in at and at == sorted(at), tree
    visit(page, stage, "place-many")
    assert 'textbox "Or write it another way"' in page.locator("body").aria_snapshot()
    visit(page, stage, "status-live")
    tree = page.locator("body").aria_snapshot()
    assert 'textbox "Dana sees what you send, not what you type."' in tree


# ---- on any screen ----------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_all_answers_of_a_safety_question_are_seen_at_once(
    opens: Opens, stage: Stage, language: str
) -> None:
    """At 360 x 640 no answer needs scrolling, with or without a text above it: a hidden answer is
    chosen less often."""
    page = opens("front", language)
    for state in (*(f"question-{name}" for name in SAFETY), "question-told", "question-refused"):
        visit(page, stage, state, language)
        floor = page.locator(".foot").bounding_box()
        answers = page.locator(".answer").all()
        assert len(answers) == 3 and floor is not None
        for answer in answers:
            box = answer.bounding_box()
            assert box is not None and box["y"] + box["height"] <= floor["y"] + 1, (state, box)
            assert box["height"] >= 48 and box["width"] >= 300, state


def test_a_finger_leaves_no_answer_that_looks_chosen(opens: Opens) -> None:
    """Without a mouse, the last tapped position counts as hovered: that would be an answer on the
    next screen."""
    page = opens("question-safety", has_touch=True, is_mobile=True)
    page.locator("button.answer").nth(1).hover()
    grounds = {
        one.evaluate("one => getComputedStyle(one).backgroundColor")
        for one in page.locator("button.answer").all()
    }
    assert len(grounds) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_says_all_within_one_screen(
    opens: Opens, stage: Stage, language: str
) -> None:
    page = opens("front", language)
    numbers = ("sms:+17205550100", "tel:+17205550100", "tel:911", "sms:911", "tel:988", "sms:988")
    boxes = [
        page.locator(f'main a[href="{href}"]').bounding_box()
        for href in (f"{BASE}/request", *numbers)
    ]
    assert all(box is not None and box["y"] + box["height"] <= 640 for box in boxes), boxes
    for call, text in ((1, 2), (3, 4), (5, 6)):
        assert boxes[call]["width"] == boxes[text]["width"]  # type: ignore[index]
        assert boxes[call]["height"] == boxes[text]["height"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 568), (320, 256), (1280, 800)],
    ids=["320", "400-percent", "desktop"],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_at_any_width(
    opens: Opens, stage: Stage, language: str, width: int, height: int
) -> None:
    """1280 x 1024 at 400 % is 320 x 256."""
    page = opens("front", language, width, height)
    for state in WHOLE if (language, width) == ("es", 320) else SOME:
        visit(page, stage, state, language)
        assert page.evaluate(WIDER) == 0, state
        # fixed bars would cover the page, so here they scroll with it
        if height < 480 and not state.startswith("words"):
            assert page.evaluate('getComputedStyle(document.querySelector(".bar")).position') == (
                "static"
            ), state


def test_the_made_up_language_is_read_from_the_right(opens: Opens, stage: Stage) -> None:
    page = opens("question-safety", "xa")
    middle = page.evaluate("innerWidth / 2")
    assert page.locator(".exit").bounding_box()["x"] > middle / 2  # type: ignore[index]
    assert page.locator(".langs").first.bounding_box()["x"] < middle  # type: ignore[index]
    assert page.evaluate("getComputedStyle(document.querySelector('.answer')).textAlign") == "start"
    visit(page, stage, "status-live", "xa")
    mine, theirs = (
        page.locator(f".{one} .words").first.bounding_box() for one in ("mine", "theirs")
    )
    assert mine["x"] < theirs["x"]  # type: ignore[index]
    assert page.locator(".theirs .words").first.evaluate(
        "one => getComputedStyle(one).direction"
    ) == (
        "ltr"  # English text keeps its own direction
    )


@pytest.mark.parametrize("state", SOME)
def test_forced_colours_keep_every_border_and_sign(opens: Opens, state: str) -> None:
    page = opens(state, forced_colors="active")
    bare = page.evaluate(
        """[...document.querySelectorAll(".exit, .button, .answer, .danger, .check, .range")]
        .filter(one => one.checkVisibility() && parseFloat(getComputedStyle(one).borderTopWidth) < 1)
        .map(one => one.className)"""
    )
    assert bare == []


def test_printed_it_is_black_words_and_no_bars(opens: Opens, stage: Stage) -> None:
    page = opens("status-live", color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator(".bar").is_visible() and not page.locator(".foot").is_visible()
    assert page.locator(".talk").is_visible() and page.locator(".steps").is_visible()
    colour = page.evaluate("getComputedStyle(document.body).color")
    assert colour == "rgb(0, 0, 0)"


# ---- keyboard ---------------------------------------------------------------------------------
FOCUSED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return [one.textContent.trim().slice(0, 20), getComputedStyle(one).outlineStyle,
          one === at || one.contains(at)];
}"""


@pytest.mark.parametrize("state", ["front", "question-safety", "place-many", "status-live"])
def test_by_keyboard_exit_is_first_and_every_stop_is_seen(opens: Opens, state: str) -> None:
    page = opens(state)
    stops = page.evaluate(
        """[...document.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea")]
        .filter(one => one.checkVisibility() && one.tabIndex >= 0).length"""
    )
    seen = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        words, outline, uncovered = page.evaluate(FOCUSED)
        seen.append(words)
        assert outline == "solid" and uncovered, (words, outline, uncovered)
    assert seen[0] == "Exit this page. Or p" and seen[1] == "Exit this page"
    assert len(seen) == stops


# ---- size -------------------------------------------------------------------------------------
def test_pages_are_light(stage: Stage) -> None:
    """Over the wire: a screen is at most 8 kB, with what blocks rendering 12 kB, a whole first load
    30 kB; the scripts are 3 kB."""
    client = stage.app.test_client()
    files = {name: file.packed for name, file in read_files().items()}
    theirs = ("exit.js", "screens.js")  # the other scripts belong to the console
    scripts = sum(len(files[name]) for name in theirs)
    sheets = len(files["screens.css"])
    assert scripts <= 3 * 1024 and sheets <= 4 * 1024
    for language in LANGUAGES:
        for state in STATES:
            page = len(client.get(f"/show/{language}/{state}").data)
            # Arabic letters take two bytes each
            limit = 8 * 1024 if language != "xa" or "status" not in state else 12 * 1024
            assert page <= limit, (language, state, page)
            assert page + sheets <= 16 * 1024 and page + sheets + scripts <= 30 * 1024


def test_what_a_browser_loads_is_ours_and_kept(opens: Opens, stage: Stage) -> None:
    page = opens("front")
    asked: list[Any] = []
    page.on("response", lambda answer: asked.append(answer))
    visit(page, stage, "question-safety")
    page.wait_for_load_state("networkidle")
    assert {answer.url.startswith(stage.url) for answer in asked} == {True}
    for answer in asked:
        kept = answer.headers["cache-control"]
        assert kept == (
            "public, max-age=31536000, immutable" if "/static/" in answer.url else "no-store"
        ), answer.url
    # the icon makes four, where the browser draws one
    assert sum("/static/" in answer.url for answer in asked) >= 3
