"""The queue, and a case with its conversation: reading, acting and closing, under a name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import time
from html import unescape
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import sqlalchemy as sa
from staff import Account, Browser, copied

from caller_service.core import ledger
from caller_service.core.case import Status
from caller_service.core.program import Hours
from caller_service.core.protocol import Level
from caller_service.core.roles import Role
from caller_service.documents.eido import Issuer
from caller_service.documents.eido import document as eido_document
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.documents.printed_hand_off import printed
from caller_service.store import ledger as counts
from caller_service.store.database.group_commit import DirectWriter
from caller_service.web.console.deeds import DEEDS

if TYPE_CHECKING:
    from conftest import House


@pytest.fixture
def dana(house: House) -> Account:
    return Account(house, "Dana Ruiz", Role.DISPATCHER)


@pytest.fixture
def desk(house: House, dana: Account) -> Browser:
    browser = Browser(house)
    browser.signs_in(dana)
    return browser


def danger(house: House, number: str = "+17205550123") -> Any:
    """Somebody in danger whom nobody has yet; texts are not asked for."""
    me = house.resident(number)
    me.texts("i took all my pills goodbye")
    return me.case()


def does(desk: Browser, case_id: str, deed: str, **form: str) -> Any:
    """Open the case and submit the form of one act with the page's fields; returns the response."""
    page = desk.get(f"/console/cases/{case_id}")
    seen = re.search(r'name="seen" value="([^"]*)"', page.text)
    if seen:
        form = {"seen": seen[1]} | form
    return desk.post(f"/console/cases/{case_id}/{deed}", **form)


def test_a_danger_that_nobody_has_stands_first_with_what_is_known(
    house: House, desk: Browser
) -> None:
    case = danger(house)

    page = desk.get("/console/queue")

    assert page.status_code == 200
    nobody = page.text.split('data-band="human"')[0]
    for words in (case.reference, "Emergency" if case.level == "R1" else "Human now",
                  "i took all my pills goodbye", "not asked: answer only", "Take it"):  # fmt: skip
        assert words in nobody, words


def test_a_danger_is_taken_written_to_and_closed_under_a_name(
    house: House, desk: Browser, dana: Account
) -> None:
    case = danger(house)

    taken = does(desk, case.id, "take")
    assert taken.status_code == 303, taken.text
    assert "You have it" in desk.get(taken.headers["Location"]).text
    sent = does(desk, case.id, "words", words="I am here. Are you alone?")
    assert sent.status_code == 303, sent.text
    assert "Are you alone?" in desk.get(f"/console/cases/{case.id}").text

    for after_help in ("resolved", "taken_to_care", "refused", "gone", "referred"):
        unfit = does(desk, case.id, "close", outcome=after_help, police="no", reason="Bridge House")
        assert unfit.status_code == 409, after_help
        assert "how the person is" in unfit.text
    closed = does(desk, case.id, "close", outcome="emergency_help_confirmed", police="no")
    assert closed.status_code == 303
    who = {row.event: row.who for row in house.rows("journal", case_id=case.id)}
    assert who["accepted"] == who["note"] == who["status_by"] == who["read"] == dana.name


def test_who_comes_second_hears_who_has_it_and_keeps_their_words(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    maria.get(f"/console/cases/{case.id}")
    does(desk, case.id, "words", words="I am here.")

    late = maria.post(f"/console/cases/{case.id}/words", words="Hello, I read you.")

    assert late.status_code == 409
    assert "Dana Ruiz holds the conversation" in late.text
    assert "Hello, I read you." in late.text
    assert "Hello, I read you." in maria.get(f"/console/cases/{case.id}").text
    assert late.text.count("Your words are kept") == 1


def test_what_others_did_meanwhile_is_shown_before_the_level_is_lowered(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    page = maria.get(f"/console/cases/{case.id}").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen
    does(desk, case.id, "take")

    stale = maria.post(
        f"/console/cases/{case.id}/lower", seen=seen[1], reason="They are with a doctor"
    )

    assert stale.status_code == 409
    assert "Dana Ruiz took it" in stale.text
    assert "They are with a doctor" in stale.text
    (row,) = house.rows("case", id=case.id)
    assert row.level == case.level
    assert does(maria, case.id, "lower", reason="They are with a doctor").status_code == 303


@pytest.mark.parametrize(
    ("deed", "form"),
    [("lower", {"reason": "It was a joke"}), ("close", {"outcome": "safe", "police": "no"})],
)
def test_what_they_wrote_meanwhile_is_shown_before_a_danger_is_lowered_or_closed(
    house: House, desk: Browser, deed: str, form: dict[str, str]
) -> None:
    """While a human leads the conversation software answers nothing, so no entry of the journal
    says that they wrote: what was decided without it may be wrong (rule 1)."""
    case = danger(house)
    does(desk, case.id, "take")
    does(desk, case.id, "words", words="I am here.")
    page = desk.get(f"/console/cases/{case.id}").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen
    house.resident().texts("ok but i have the pills in my hand")

    stale = desk.post(f"/console/cases/{case.id}/{deed}", seen=seen[1], **form)

    assert stale.status_code == 409
    assert "They wrote: ok but i have the pills in my hand" in stale.text
    (row,) = house.rows("case", id=case.id)
    assert (row.level, row.closed_at) == (case.level, None)
    assert does(desk, case.id, deed, **form).status_code == 303


def test_a_delivery_alone_holds_up_no_act(house: House, desk: Browser) -> None:
    """What changes nothing is no news: who is warned in vain reads no warning."""
    case = danger(house)
    does(desk, case.id, "take")
    page = desk.get(f"/console/cases/{case.id}").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen
    house.settles()
    assert ("delivered",) in {(row.event,) for row in house.rows("journal", case_id=case.id)}

    form = {"outcome": "safe", "police": "no"}
    done = desk.post(f"/console/cases/{case.id}/close", seen=seen[1], **form)
    assert done.status_code == 303


def test_words_of_residents_are_shown_as_words(house: House, desk: Browser) -> None:
    """Markup stays text, and bidirectional control characters are not shown."""
    me = house.resident()
    me.texts("i took all my pills <script>alert(1)</script> \u202egoodbye\u2066")
    case = me.case()

    for path in ("/console/queue", f"/console/cases/{case.id}"):
        page = desk.get(path).text
        assert "&lt;script&gt;alert(1)" in page, path
        assert "<script>alert" not in page, path
        assert "\u202e" not in page, path
        assert "\u2066" not in page, path


def test_a_ready_phrase_goes_out_in_the_residents_language(house: House, desk: Browser) -> None:
    me = house.resident()
    me.texts("me quiero morir, tengo pastillas")
    case = me.case()
    assert case.language == "es"
    english, spanish = (house.words("phrase.safe", language) for language in ("en", "es"))

    assert does(desk, case.id, "words", words=english).status_code == 303

    page = desk.get(f"/console/cases/{case.id}").text
    assert spanish in page
    assert house.words("phrase.safe") != spanish
    assert "not translated" in page


def test_what_may_not_be_sent_is_refused_before_it_is_typed(
    house: House, desk: Browser, dana: Account
) -> None:
    case = danger(house)
    does(desk, case.id, "answer", question="contact", choice="unsafe")
    assert "Nothing can be written now" not in desk.get(f"/console/cases/{case.id}").text
    house.wait(11 * 60)
    desk.signs_in(dana)

    page = desk.get(f"/console/cases/{case.id}").text

    assert "Nothing can be written now" in page
    assert "this field opens for 10 minutes" in page


def test_a_draft_is_kept_sealed_and_goes_when_it_is_sent(house: House, desk: Browser) -> None:
    case = danger(house)
    desk.get(f"/console/cases/{case.id}")
    assert desk.post(f"/console/cases/{case.id}/draft", words="I am on my").status_code == 204

    (row,) = house.rows("staff_case")
    assert b"on my" not in row.sealed_draft
    assert "I am on my" in desk.get(f"/console/cases/{case.id}").text
    does(desk, case.id, "words", words="I am on my way.")
    (row,) = house.rows("staff_case")
    assert row.sealed_draft is None


def test_what_is_typed_as_the_case_ends_is_shown_and_not_kept_for_ever(
    house: House, desk: Browser
) -> None:
    case, page = danger(house), "/console/cases/{}"
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    maria.get(page.format(case.id))
    end = {"outcome": "safe", "police": "no"}
    assert does(desk, case.id, "close", **end).status_code == 303

    late = maria.post(f"{page.format(case.id)}/words", words="I was about to say")

    assert late.status_code == 409
    assert "The case has ended." in late.text and "I was about to say" in late.text
    assert "I was about to say" in maria.get(page.format(case.id)).text
    boss = Browser(house, "203.0.113.9")
    boss.signs_in(Account(house, "Lee Chief", Role.SUPERVISOR))
    house.settles()
    assert does(boss, case.id, "erase").status_code == 303
    assert "I was about to say" not in maria.get(page.format(case.id)).text
    assert maria.post(f"{page.format(case.id)}/draft", words="one more").status_code == 404
    assert does(maria, case.id, "words", words="one more").status_code == 409
    assert not any(row.sealed_draft for row in house.rows("staff_case"))


def test_a_form_that_comes_twice_is_carried_out_once(house: House, desk: Browser) -> None:
    """A second press, or a page that the browser sends again. The same words from the next page
    are another message."""
    me = house.resident()
    me.wants_a_team(contact="1")
    case = me.case()
    house.settles().sent.clear()
    for deed, form, table in (
        ("words", {"words": "Are you there?"}, "message"),
        ("callback", {"minutes": "10"}, "callback"),
        ("ask_another", {}, "page"),
    ):
        page, many = desk.get(f"/console/cases/{case.id}").text, len(house.rows(table))
        once = re.findall(r'name="(once|seen)" value="([^"]+)"', page)[deed != "words"]
        form |= {once[0]: once[1], "csrf": _token(page)}
        answers = [desk.post(f"/console/cases/{case.id}/{deed}", **form) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {303}, deed
        assert len(house.rows(table)) - many == 1, deed
        house.settles()
    assert [text for text in house.texts_to(me.number) if "Are you there?" in text] == [
        "Dana Ruiz: Are you there?"
    ]

    page = desk.get(f"/console/cases/{case.id}").text
    fresh = dict(re.findall(r'name="(once)" value="([^"]+)"', page))
    again = desk.post(f"/console/cases/{case.id}/words", words="Are you there?", **fresh)

    assert again.status_code == 303
    assert len(house.rows("message", case_id=case.id, keys="note")) == 2


def test_a_case_is_found_by_reference_and_by_number_which_stands_in_no_address(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    desk.get("/console/queue")

    halves = f"#{case.reference[:3]}-{case.reference[3:]}."
    for said in (
        case.reference.lower(),
        halves,
        "(720) 555-0123",
        "+1 720 555 0123",
        "７２０ 5550123",
    ):
        found = desk.post("/console/queue/find", what=said)
        assert found.status_code == 303, said
        assert found.headers["Location"].endswith(f"/console/cases/{case.id}")
        desk.get("/console/queue")


def test_no_way_to_read_a_case_or_to_look_for_a_number_leaves_no_trace(
    house: House, desk: Browser, dana: Account
) -> None:
    """News are polled by a page that was opened; a search says something also where it finds
    nothing. The number is in no entry."""
    case = danger(house)
    page = desk.get("/console/queue").text
    news = f"/console/cases/{case.id}/news"
    reads = {"case_id": case.id, "event": "read", "who": dana.name}

    told = desk.post(news, v="", csrf=_token(page)).json
    assert "i took all my pills" in told["html"]
    assert len(house.rows("journal", **reads)) == 1
    desk.post(news, v="", csrf=_token(page))
    assert len(house.rows("journal", **reads)) == 1, "a look of a page by itself is no new one"

    for said, count in (("+1 720 555 0199", 0), ("(720) 555-0123", 1), (case.reference, 1)):
        page = desk.get("/console/queue").text
        desk.post("/console/queue/find", what=said, csrf=_token(page))
        entry = house.rows("journal", event="searched")[-1]
        assert (entry.who, entry.detail["count"]) == (dana.name, count), said
        assert "0199" not in str(entry) and "0123" not in str(entry)


def test_news_is_small_when_nothing_changed_and_says_what_is_new(
    house: House, desk: Browser
) -> None:
    page = desk.get("/console/queue").text
    tag = re.search(r'id="queue" data-tag="([^"]+)"', page)
    assert tag
    same = desk.post("/console/news", v=tag[1], page="queue", csrf=_token(page))
    assert same.json["v"] == tag[1]
    assert len(same.data) < 200

    case = danger(house)
    new = desk.post("/console/news", v=tag[1], page="queue", csrf=_token(page)).json

    assert new["alarm"]["many"] == 1
    assert new["order"]["nobody"] == [case.reference]
    assert f"cases/{case.id}" in new["rows"][case.reference]


def _token(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def test_a_locked_page_goes_on_ringing_and_shows_nothing_of_anybody(
    house: House, desk: Browser
) -> None:
    page = desk.get("/console/queue").text
    case = danger(house)
    house.wait(11 * 60)

    told = desk.post("/console/news", v="", page="queue", csrf=_token(page))

    assert told.status_code == 200
    assert told.json["locked"] is True
    assert [level for level, *_ in told.json["alarm"]["list"]] == [case.level]
    for hidden in (case.reference, case.id, "pills"):
        assert hidden not in told.text


def test_a_team_is_sent_moves_arrives_and_the_case_closes(house: House, desk: Browser) -> None:
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    team = house.parts.program.teams[0].id

    for deed, form in (
        ("take", {"minutes": "20"}),
        ("assign", {"team": team}),
        ("status", {"status": "en_route"}),
        ("late", {"reason": "Road closed"}),
        ("status", {"status": "arrived"}),
        ("close", {"outcome": "resolved", "police": "no"}),
    ):
        answer = does(desk, case.id, deed, **form)
        assert answer.status_code == 303, (deed, answer.text)

    (row,) = house.rows("case", id=case.id)
    assert (row.status, row.outcome) == ("closed", "resolved")


def test_a_late_team_with_a_new_time_tells_the_new_range(house: House, desk: Browser) -> None:
    """The resident was told that they hear of a change (promise 3). The same time again tells
    nothing."""
    me = house.resident()
    me.wants_a_team()
    case, team = me.case(), house.parts.program.teams[0].id
    assert does(desk, case.id, "take", minutes="20").status_code == 303
    assert does(desk, case.id, "assign", team=team).status_code == 303
    house.settles().wait(300)
    house.sent.clear()

    for _ in range(2):
        assert does(desk, case.id, "late", minutes="40", reason="Flat tyre").status_code == 303

    house.settles()
    told = house.words("status.late_time", low="40", high="60")
    assert house.texts_to(me.number) == [told]
    assert "Flat tyre" not in told
    house.passes(39 * 60, 60)
    assert not house.rows("message", keys="status.late"), "the old promise is over"
    house.passes(7 * 60, 60)
    assert len(house.rows("message", keys="status.late")) == 1


def test_whoever_threatens_the_team_is_looked_at_by_a_named_human(
    house: House, desk: Browser, dana: Account
) -> None:
    """As a minor's case is (rules 14 and 24); elsewhere there is nothing to confirm."""
    me, other = house.resident(), house.resident("+17205550177")
    me.texts("if you send anyone i will stab them")
    other.wants_a_team()
    case = me.case()
    assert "threat_staff" in case.state["said"]
    page = desk.get(f"/console/cases/{case.id}").text
    assert "I have looked" in page
    assert "I have looked" not in desk.get(f"/console/cases/{other.case().id}").text

    assert does(desk, case.id, "minor", reason="A man alone, no knife seen").status_code == 303

    (entry,) = house.rows("journal", case_id=case.id, event="minor_reviewed")
    assert entry.who == dana.name
    assert "I have looked" not in desk.get(f"/console/cases/{case.id}").text
    assert does(desk, other.case().id, "minor").status_code == 303
    assert not house.rows("journal", case_id=other.case().id, event="minor_reviewed")


def test_a_raised_level_stays_until_a_named_human_lowers_it(house: House, desk: Browser) -> None:
    me = house.resident()
    me.wants_a_team()
    case = me.case()

    for dash in ("", "-", " . "):  # needs a reason
        assert does(desk, case.id, "raise", level="R2", reason=dash).status_code == 409
    assert does(desk, case.id, "raise", level="R2", reason="I hear fear").status_code == 303
    me.texts("ok")
    assert me.case().level == "R2"
    assert house.rows("page", case_id=case.id, ladder="danger")
    assert does(desk, case.id, "lower", reason="I was wrong").status_code == 303
    assert me.case().level not in ("R1", "R2")


def test_giving_it_back_asks_the_next_person_at_once(house: House, desk: Browser) -> None:
    case = danger(house)
    does(desk, case.id, "take")
    before = len(house.rows("page", case_id=case.id))

    assert does(desk, case.id, "give_back").status_code == 303

    assert len(house.rows("page", case_id=case.id)) > before
    assert "Nobody has it yet" in desk.get(f"/console/cases/{case.id}").text


def test_an_answer_given_for_them_and_a_place_are_noted_by_name(
    house: House, desk: Browser, dana: Account
) -> None:
    case = danger(house)

    assert does(desk, case.id, "answer", question="suicide", choice="no").status_code == 303
    assert does(desk, case.id, "place", place="Main St and 3rd Ave").status_code == 303

    page = desk.get(f"/console/cases/{case.id}").text
    assert "Main St and 3rd Ave" in page
    assert f"by {dana.name}" in page


def test_contact_is_opened_with_a_reason_and_closed_with_one_press(
    house: House, desk: Browser, dana: Account
) -> None:
    """Also after they said that it is not safe, and not over a withdrawal that came meanwhile."""
    me = house.resident()
    me.wants_a_team(contact="2")
    case, asked = me.case(), danger(house, "+17205550177")
    page = desk.get(f"/console/cases/{asked.id}").text
    (form,) = re.findall(r'value="contact">.*?</form>', page, re.S)
    assert set(re.findall(r'name="choice" value="(\w+)"', form)) == {"unsafe", "unwanted"}

    for deed, form in (("contact", {}), ("answer", {"question": "contact"})):
        told = does(desk, case.id, deed, choice="text", **form)
        assert told.status_code == 409 and "needs a reason" in told.text, deed
    assert me.case().state["answers"]["contact"] == "unsafe"
    because = {"reason": "She called from work, and chose a time"}
    assert does(desk, case.id, "contact", choice="text", **because).status_code == 303

    assert me.case().state["answers"]["contact"] == "text"
    entry = house.rows("journal", case_id=case.id, event="answered_for")[-1]
    assert (entry.who, entry.detail["choice"]) == (dana.name, "text")
    page = desk.get(f"/console/cases/{case.id}").text
    assert "She called from work" in page and "She called" not in str(house.rows("journal"))
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen
    me.texts("stop writing, he is here")
    late = desk.post(
        f"/console/cases/{case.id}/contact", choice="text_call", seen=seen[1], **because
    )
    assert late.status_code == 409 and "They took contact back" in late.text
    assert does(desk, case.id, "contact", choice="unwanted").status_code == 303


def test_a_conversation_of_more_than_a_day_says_which_day_each_word_is_of(
    house: House, desk: Browser, dana: Account
) -> None:
    """ "07:12" of yesterday is not this morning's; the day is the program's, also by night."""
    me = house.resident()
    me.texts("i took all my pills goodbye")
    case = me.case()
    assert 'class="event day"' not in desk.get(f"/console/cases/{case.id}").text
    house.wait(19 * 3600)  # 07:00 of the next day there
    me.texts("i am still here")
    desk.signs_in(dana)
    page = desk.get(f"/console/cases/{case.id}").text
    assert re.findall(r'class="event day" id="i-day-[-0-9]+"><span>([^<]*)<', page) == [
        "Monday, November 23", "Tuesday, November 24"
    ]  # fmt: skip
    first, second = page.index("Monday, November"), page.index("Tuesday, November")
    assert first < page.index("all my pills", first) < second < page.index("still here", second)


def test_who_has_read_a_case_stands_there(house: House, desk: Browser, dana: Account) -> None:
    case = danger(house)
    desk.get(f"/console/cases/{case.id}")

    assert dana.name in desk.get(f"/console/cases/{case.id}/readers").text


def test_nobody_holds_more_than_three_dangers(house: House, desk: Browser) -> None:
    cases = [danger(house, f"+1720555014{number}") for number in range(4)]
    for case in cases[:3]:
        assert does(desk, case.id, "take").status_code == 303

    assert "You hold three dangers" in desk.get(f"/console/cases/{cases[3].id}").text
    assert does(desk, cases[3].id, "take").status_code == 409


def test_two_linked_cases_name_each_other(house: House, desk: Browser) -> None:
    one, other = danger(house), danger(house, "+17205550177")

    typed = f"{other.reference[:3]}-{other.reference[3:]}".lower()
    assert does(desk, one.id, "link", reference=typed).status_code == 303

    assert other.reference in desk.get(f"/console/cases/{one.id}").text
    assert one.reference in desk.get(f"/console/cases/{other.id}").text
    assert does(desk, one.id, "link", reference="B2C3D4").status_code == 409


def test_a_link_takes_no_other_away_and_packets_name_it_by_its_id(
    house: House, desk: Browser
) -> None:
    """What a phone's second request follows is kept: "delete my words" walks along it."""
    me = house.resident()
    me.texts("i took all my pills goodbye")
    first = me.case()
    me.texts("someone else")
    mine, strangers = me.case(), [danger(house, f"+1720555018{number}") for number in range(2)]
    assert mine.state["related"] == first.id

    for other in strangers:
        assert does(desk, mine.id, "link", reference=other.reference).status_code == 303

    page = desk.get(f"/console/cases/{mine.id}").text
    for each in (first, *strangers):
        assert f'href="/console/cases/{each.id}"><bdi>{each.reference}</bdi>' in page
    packet = house.dispatch(f"/{mine.id}", method="GET").json
    jsonschema.validate(packet, SCHEMA)
    assert packet["related"] == [first.id]
    assert packet["linked"] == [each.id for each in strangers]
    told = eido_document(packet, Issuer("care.example.org", "team.example.org"), house.clock())
    assert len(told["linkComponent"]) == 3


def test_hundreds_of_cases_are_light_and_none_that_nobody_has_is_hidden(
    house: House, desk: Browser
) -> None:
    """With 500 cases the page stays small; cases that are not shown are one page or one row of
    references away."""
    case = danger(house)
    teams = copied(
        house, case.id, 440, level=Level.R4, response="team", status=Status.HANDED_OFF
    )  # fmt: skip
    dangers = copied(house, case.id, 59)

    page = desk.get("/console/queue")

    nobody = page.text.split('data-band="human"')[0]
    assert all(f">{one}</a>" in nobody for one in (*dangers, case.reference))
    assert "Nobody yet <span data-count>60</span>" in page.text
    assert len(page.data) < 46_000, len(page.data)  # of 60 kB; the rest are sheets and scripts
    (way,) = re.findall(r'data-more href="([^"]+page_of=teams[^"]+)">Show all', page.text)
    shown = ""
    for _ in range(5):
        turned = desk.get(unescape(way)).text
        assert all(f">{one}</a>" in turned for one in dangers)
        shown += turned.split('data-band="teams"')[1].split("</tbody>")[0]
        if found := re.search(r'href="([^"]+)">The next 100', turned):
            way = found[1]
    assert all(f">{one}</a>" in shown for one in teams)
    assert "The next 100" not in turned

    tag = re.search(r'id="queue" data-tag="([^"]+)"', page.text)
    have = " ".join("=".join(pair) for pair in _rows(page.text))
    assert tag
    house.resident("+17205550188").texts("he has a gun and wants to kill me")
    news = desk.post(
        "/console/news", v=tag[1], page="queue", have=have, csrf=_token(page.text)
    )  # fmt: skip
    assert list(news.json["rows"]) == ["+more"]  # the newest is the last of them
    assert news.json["alarm"]["many"] == 61
    assert len(news.data) < 5_000, len(news.data)


def _rows(page: str) -> list[tuple[str, str]]:
    return re.findall(r'data-key="([^"]+)" data-tag="([^"]+)"', page)


def test_hundreds_of_cases_cost_few_questions_and_a_look_without_news_two(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    parts = house.parts
    copied(house, case.id, 500, level=Level.R4, response="team", status=Status.HANDED_OFF)
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        asked.append(statement)

    sa.event.listen(parts.engine, "before_cursor_execute", note)
    try:
        page = desk.get("/console/queue")
        many = [one for one in asked if one.startswith("SELECT")]
        asked.clear()
        tag = re.search(r'id="queue" data-tag="([^"]+)"', page.text)
        assert tag
        same = desk.post("/console/news", v=tag[1], page="queue", csrf=_token(page.text))
    finally:
        sa.event.remove(parts.engine, "before_cursor_execute", note)

    assert "Teams <span data-count>500</span>" in page.text
    assert page.text.count("data-key=") < 60
    assert len(many) <= 8, many  # the first look reads the cases themselves
    assert same.json["v"] == tag[1]
    assert len(asked) <= 2, asked


def test_when_the_database_is_away_the_page_says_so_and_nothing_typed_is_lost(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    page = desk.get(f"/console/cases/{case.id}").text
    real = house.parts

    class Away:
        def connect(self) -> None:
            raise sa.exc.OperationalError("", {}, Exception("away"))

        begin = connect

    house.change(engine=Away(), writer=DirectWriter(Away()))
    foreign = {"Origin": "null"}  # perhaps another site's page: its form is not offered again
    way, typed = f"/console/cases/{case.id}/words", {"words": "I am here.", "csrf": _token(page)}
    stranger = desk.post(way, headers=foreign, **typed)
    answer = desk.post(way, **typed)
    house.change(engine=real.engine, writer=real.writer)

    assert stranger.status_code == answer.status_code == 503
    assert "I am here." not in stranger.text
    assert "911" in answer.text
    assert not house.rows("message", direction="out", keys="note")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    again = desk.post(way, **fields)  # the button of the page
    assert again.status_code == 303
    assert "I am here." in desk.get(f"/console/cases/{case.id}").text


def test_every_form_of_the_desk_carries_its_token_and_without_it_nothing_is_done(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    for path in ("/console/queue", f"/console/cases/{case.id}"):
        forms = re.findall(r"<form.*?</form>", desk.get(path).text, re.S)
        assert len(forms) > 3
        assert all('name="csrf" value="' in form for form in forms), path

    for deed in DEEDS:
        answer = desk.post(f"/console/cases/{case.id}/{deed}", csrf="0" * 64, words="hi")
        assert answer.status_code == 403, deed
    assert {row.event for row in house.rows("journal", case_id=case.id, who="Dana Ruiz")} == {
        "read"
    }


def test_the_conversation_is_paused_taken_over_and_handed_over_by_name(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    does(desk, case.id, "take")
    does(desk, case.id, "words", words="I am here.")

    assert does(desk, case.id, "pause").status_code == 303
    assert does(desk, case.id, "pause").status_code == 409  # there is one
    assert does(maria, case.id, "hand_over", to="Shift supervisor").status_code == 409
    assert does(maria, case.id, "take_over").status_code == 303
    assert "Maria Sol has it" in desk.get(f"/console/cases/{case.id}").text
    assert does(maria, case.id, "hand_over", to="Nobody Here").status_code == 409
    assert does(maria, case.id, "hand_over", to="Shift supervisor").status_code == 303

    events = {row.event for row in house.rows("journal", case_id=case.id)}
    assert {"paused", "took_over", "handed_over"} <= events


def test_a_case_is_handed_to_nobody_who_is_off_duty(house: House, desk: Browser) -> None:
    """Neither here, nor through the API, nor by text: "goes on with you" would be untrue."""
    away, case = "Second dispatcher", danger(house)
    at_three = (Hours(frozenset({6}), time(3), time(4)),)
    program = house.parts.program
    ladder = [
        replace(rung, hours=at_three) if rung.name == away else rung for rung in program.ladder
    ]
    house.change(program=replace(program, ladder=tuple(ladder)))
    does(desk, case.id, "take")
    assert f"<option>{away}" not in desk.get(f"/console/cases/{case.id}").text

    assert "Choose somebody who is on shift" in does(desk, case.id, "hand_over", to=" ").text
    refused = does(desk, case.id, "hand_over", to=away)

    assert refused.status_code == 409 and f"{away} is not on shift" in refused.text
    told = {"by": "Dana Ruiz", "to": away}
    refused = house.dispatch(f"/{case.id}/hand-over", told).json
    assert refused["code"] == "off_duty" and "held_by" not in refused
    chief = next(rung for rung in ladder if rung.name == "Shift supervisor")
    assert does(desk, case.id, "hand_over", to=chief.name).status_code == 303
    by_text = house.resident(chief.number).texts(f"{case.reference} hand over to {away}")
    by_text.hears(house.words("page.off_duty", name=away, reference=case.reference))
    handed = house.rows("journal", case_id=case.id, event="handed_over")
    assert [entry.detail["to"] for entry in handed] == [chief.name]


def test_another_human_is_asked_and_whoever_has_it_keeps_it(house: House, desk: Browser) -> None:
    case = danger(house)
    does(desk, case.id, "take")
    before = len(house.rows("page", case_id=case.id))

    assert does(desk, case.id, "ask_another").status_code == 303

    assert len(house.rows("page", case_id=case.id)) > before
    assert "Yours" in desk.get(f"/console/cases/{case.id}").text


def test_a_case_is_declined_with_a_reason_and_the_next_is_asked(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    before = len(house.rows("page", case_id=case.id))

    assert does(desk, case.id, "decline").status_code == 409
    assert does(desk, case.id, "decline", reason="I am on the phone").status_code == 303

    assert len(house.rows("page", case_id=case.id)) > before


def test_a_call_is_promised_only_where_calling_was_called_safe(house: House, desk: Browser) -> None:
    me = house.resident()
    me.wants_a_team(contact="1")
    other = house.resident("+17205550177")
    other.wants_a_team(contact="3")

    assert does(desk, other.case().id, "callback", minutes="10").status_code == 409
    assert does(desk, me.case().id, "callback", minutes="10").status_code == 303
    assert "Calls promised" in desk.get(f"/console/cases/{me.case().id}").text


def test_words_of_staff_are_looked_at_before_they_are_kept(house: House, desk: Browser) -> None:
    case = danger(house)

    for words in ("", "x" * 481, "turned \u202e round"):
        assert does(desk, case.id, "words", words=words).status_code in (409, 422), words

    assert not house.rows("message", case_id=case.id, keys="note")


def test_a_page_that_nobody_looks_at_reads_nothing_for_anybody(house: House, desk: Browser) -> None:
    case = danger(house)
    page = desk.get(f"/console/cases/{case.id}").text
    house.resident().texts("please hurry")

    for looks, count in (("0", True), ("1", False)):
        news = f"/console/cases/{case.id}/news"
        told = desk.post(news, v="", looks=looks, csrf=_token(page)).json
        assert "please hurry" in told["html"]
        unread = '"count">1 new<' in desk.get("/console/queue").text
        assert unread is count, looks


def test_nobody_is_handed_a_case_about_their_own_phone(house: House, desk: Browser) -> None:
    mine = next(rung for rung in house.parts.program.ladder if rung.name == "Shift supervisor")
    case = danger(house, mine.number)
    does(desk, case.id, "take")

    told = does(desk, case.id, "hand_over", to=mine.name)

    assert told.status_code == 409
    assert "the phone of Shift supervisor" in told.text
    assert not house.rows("journal", case_id=case.id, event="handed_over")


def test_nobody_decides_about_a_case_of_their_own_phone(house: House) -> None:
    """They may give it to others, and hold it for more urgent; everything else is for others."""
    mine = next(rung for rung in house.parts.program.ladder if rung.name == "Shift supervisor")
    boss, case = Browser(house), danger(house, mine.number)
    boss.signs_in(Account(house, mine.name, Role.SUPERVISOR))
    form = {
        "reason": "I am fine", "words": "hello", "question": "suicide", "choice": "no",
        "outcome": "safe", "police": "no", "tell": "said", "place": "home", "reference": "B2C3D4",
    }  # fmt: skip

    page = boss.get(f"/console/cases/{case.id}").text
    for name, deed in DEEDS.items():
        answer = does(boss, case.id, name, **form)
        assert deed.own_too or "about your own phone" in answer.text, name
    assert "about your own phone" in page
    why = {"reason": "I am fine"}
    for path, told in (
        ("notes", {"words": "hi"}), ("lower", why), ("lift-watched", why),
        ("answers", why | {"question": "suicide", "choice": "no"}),
    ):  # fmt: skip
        refused = house.dispatch(f"/{case.id}/{path}", {"by": mine.name} | told)
        assert refused.json["code"] == "own", path

    (row,) = house.rows("case", id=case.id)
    assert (row.level, row.closed_at) == (case.level, None)
    assert not house.rows("message", case_id=case.id, keys="note")


def test_the_one_text_after_violence_has_a_supervisors_reason_and_name(
    house: House, desk: Browser, dana: Account
) -> None:
    me = house.resident("+17205550177")
    me.texts("my husband hits me he has a gun")
    case = me.case()
    house.wait(11 * 60)
    desk.signs_in(dana)
    text = {"words": "Are you free to talk?", "supervisor_reason": "Nobody heard from her"}
    page = desk.get(f"/console/cases/{case.id}").text
    assert "with a supervisor" in page and "Which supervisor says so" in page

    for wrong in ({}, {"supervisor": dana.name}, {"supervisor": "Second dispatcher"}):
        refused = does(desk, case.id, "words", **text, **wrong)
        assert refused.status_code == 409, wrong
        assert "which supervisor gave you the reason" in refused.text, wrong
    named = does(desk, case.id, "words", **text, supervisor="Shift supervisor")

    assert named.status_code == 303
    page = desk.get(f"/console/cases/{case.id}").text
    assert "Shift supervisor: Nobody heard from her" in page
    assert len(house.rows("message", case_id=case.id, keys="note.neutral")) == 1


def test_a_fault_in_a_form_says_what_to_do_and_keeps_what_was_written(
    house: House, desk: Browser
) -> None:
    me = house.resident()
    me.wants_a_team(contact="1")
    case = me.case()
    for deed, form, says in (
        ("callback", {"minutes": "4000"}, "Write the minutes as a number from 1 to 2880."),
        ("take", {"minutes": "soon"}, "Write the minutes as a number from 1 to 720."),
        ("place", {"place": " "}, "Write something first."),
        ("decline", {"reason": "x" * 301}, "The reason is too long. It may have 300 letters."),
        ("decline", {"reason": "a\x01b"}, "The reason has signs in it that cannot be shown."),
        ("words", {"words": "y" * 481}, "The text is too long. It may have 480 letters."),
    ):
        refused = does(desk, case.id, deed, **form)
        assert refused.status_code == 422, deed
        assert f"Nothing was done. {says}" in refused.text, deed
        assert next(iter(form.values())).strip() in unescape(refused.text), deed
    chosen = does(desk, case.id, "close", outcome="lost", police="yes", reason="No answer")
    assert '<a href="#again">' in chosen.text and 'value="No answer"' in chosen.text
    does(desk, case.id, "close", outcome="lost", police="no")
    late = does(desk, case.id, "late", reason="Rush hour", minutes="20")
    assert "Kept: <q" in late.text and "Rush hour</q>" in late.text, "there is no form any more"


LONG = "x" * 301  # longer than a reason may be
TYPED = (
    ("take", {"minutes": "soon"}),
    ("late", {"minutes": "never", "reason": "A flat tyre"}),
    ("status", {"status": "unreachable", "reason": LONG}),
    ("raise", {"level": "R1", "reason": LONG}),
    ("lower", {"reason": LONG}),
    ("place", {"place": "y" * 481}),
    ("contact", {"choice": "text_call", "reason": LONG}),
    ("callback", {"minutes": "4000", "ask_for": "Sam"}),
    ("hand_over", {"to": "Shift supervisor", "reason": LONG}),
    ("ask_to_take", {"to": "Shift supervisor", "reason": LONG}),
    ("care_note", {"words": "They like to be called Sam", "days": "7", "reason": LONG}),
    ("link", {"reference": "B2C3D4"}),
    ("call_911", {"reason": "He fell", "tell": "not", "why_not": ""}),
    ("close", {"outcome": "safe", "police": "yes", "asked_by": "team", "told_before": "",
               "reason": 'He said "no"'}),
)  # fmt: skip


@pytest.mark.parametrize(("deed", "typed"), TYPED, ids=[deed for deed, _ in TYPED])
def test_a_refused_form_is_open_again_with_all_that_was_typed_and_chosen(
    house: House, desk: Browser, deed: str, typed: dict[str, str]
) -> None:
    case = danger(house)
    does(desk, case.id, "take")
    if deed == "callback":
        does(desk, case.id, "contact", choice="text_call", reason="They said so")
    if deed in ("late", "status"):
        does(desk, case.id, "assign", team="care-1")
    elif deed == "take":
        does(desk, case.id, "give_back")

    refused = does(desk, case.id, deed, **typed)

    assert refused.status_code in (409, 422), refused.status_code
    form = re.search(
        rf'<details class="more" open id="again"><summary(?:(?!<details).)*'
        rf'action="/console/cases/{case.id}/{deed}">(.*?)</form>',
        refused.text, re.DOTALL,
    )  # fmt: skip
    assert form, "the form is closed"
    in_more = 'id="more"' in refused.text[: form.start()] and deed != "close"  # beside it
    assert not in_more or 'id="more" open' in refused.text
    for name, value in typed.items():
        (field,) = {
            found for found in re.findall(r"<(?:input|select|textarea)[^>]*>", form[1])
            if f'name="{name}"' in found and (name != "tell" or f'value="{value}"' in found)
        }  # fmt: skip
        shown = unescape(form[1][form[1].index(field) :])
        if field.startswith("<select"):
            assert f'value="{value}" selected' in shown or not value, name
        elif field.startswith("<textarea"):
            assert f">{value}</textarea>" in shown, name
        else:
            assert "checked" in field if name == "tell" else f'value="{value}"' in shown, name


def test_nobody_reads_that_they_were_told_where_nothing_could_be_said(
    house: House, desk: Browser
) -> None:
    """Whoever pauses or takes over must know whether the resident has heard of it (rule 22)."""
    for number, told in (("+17205550123", False), ("+17205550177", True)):
        case = danger(house, number)
        if told:
            does(desk, case.id, "contact", choice="text_call", reason="They said so")
        for deed in ("take_over", "pause") if told else ("take_over",):
            if deed == "pause":  # a pause follows words of one's own
                does(desk, case.id, "words", words="I am Maria. I am here with you.")
            page = desk.opens(does(desk, case.id, deed).headers["Location"]).text
            assert ("They are told" in page) == told, deed
            assert ("They were not told" in page) != told, deed
        house.settles()
        assert bool(house.texts_to(number)) == told


def test_a_second_close_that_says_otherwise_is_refused(house: House, desk: Browser) -> None:
    """What differs would be lost behind a "done"; the same again is a repeat."""
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    assert does(desk, case.id, "close", outcome="resolved", police="no").status_code == 303
    for other in (
        {"outcome": "gone", "police": "no"},
        {"outcome": "resolved", "police": "unknown"},
    ):
        late = does(desk, case.id, "close", **other)
        assert late.status_code == 409 and "The case has ended." in late.text, other
    closed = {"status": "closed", "by": "Maria"}
    for outcome, status in (("resolved", 200), ("gone", 409), ("", 200)):
        told = closed | {"outcome": outcome}
        assert house.dispatch(f"/{case.id}/status", told).status_code == status, outcome


def test_a_ready_phrase_that_does_not_exist_sends_nothing(house: House, desk: Browser) -> None:
    case = danger(house)

    assert does(desk, case.id, "words", phrase="99").status_code == 422

    assert not house.rows("message", case_id=case.id, keys="note")


@pytest.mark.parametrize(
    ("outcome", "entry", "told"),
    [
        ("refused", ("unserved", "cancelled"), "status.closed"),
        ("gone", ("unserved", "unreachable"), "status.gone"),
        ("unserved", ("unserved", "no_capacity"), "status.unserved"),
        ("referred", ("served", "referred"), "status.closed"),
        ("taken_to_care", ("served", "taken_to_care"), "status.closed"),
    ],
)
def test_how_it_ended_stands_in_its_class_and_the_resident_hears_what_is_true(
    house: House, desk: Browser, outcome: str, entry: tuple[str, str], told: str
) -> None:
    me = house.resident()
    me.texts("hello", "1", "2", "2", "2", "3", "1", "Main St and 3rd Ave", "1")
    case = me.case()
    assert case.response == "team"
    house.settles().sent.clear()
    end = {"outcome": outcome, "police": "no"}

    if outcome == "referred":  # a service has a name
        unnamed = does(desk, case.id, "close", **end)
        assert unnamed.status_code == 409
        assert "which service" in unnamed.text
    assert does(desk, case.id, "close", **end, reason="Bridge House").status_code == 303

    house.settles()
    (row,) = house.rows("case", id=case.id)
    placed = ledger.place(row.status, row.outcome, row.unserved)
    assert placed is not None
    assert (placed.kind, placed.of) == entry
    assert house.texts_to(me.number) == [house.words(told)]
    for language in house.parts.catalog.words:
        for key in (
            "status.closed", "status.gone", "status.unserved", "closing.danger", "web.stands.gone",
            "web.stands.unserved",
        ):  # fmt: skip
            assert "polic" not in house.words(key, language).casefold(), "true either way"


def test_police_are_recorded_beside_the_outcome_all_or_nothing_and_counted(
    house: House, desk: Browser, dana: Account
) -> None:
    """Whoever closes a case says whether police were there, who asked for them, and whether the
    resident knew. An incomplete answer closes nothing; no answer does not count as "no"."""
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    end = {"outcome": "resolved"}
    for half in (
        {}, {"police": "yes"}, {"police": "yes", "asked_by": "team"},
        {"police": "yes", "asked_by": "nobody", "told_before": "no"}, {"police": "perhaps"},
    ):  # fmt: skip
        refused = does(desk, case.id, "close", **end, **half)
        assert refused.status_code == 409, half
        assert "Say whether police were there" in refused.text

    whole = {"police": "yes", "asked_by": "team", "told_before": "no"}
    assert does(desk, case.id, "close", **end, **whole).status_code == 303

    (entry,) = house.rows("journal", case_id=case.id, event="status_by")
    assert entry.who == dana.name
    recorded = {"police": "yes", "police_asked_by": "team", "police_told": "no"}
    assert recorded.items() <= entry.detail.items()
    page = desk.get(f"/console/cases/{case.id}").text
    assert "Police were there. The team asked for them. They were not told before." in page
    packet = house.dispatch(f"/{case.id}", method="GET").json
    there = {"present": "yes", "asked_by": "team", "resident_told": "no", "corrected": False}
    assert packet["police"] == there
    jsonschema.validate(packet, SCHEMA)
    with house.parts.engine.connect() as conn:
        (group,) = counts.counted(conn)
    assert (group.police, group.police_asked_by, group.police_told) == ("yes", "team", "no")


def test_what_was_recorded_of_police_is_corrected_after_the_end_and_both_are_shown(
    house: House, desk: Browser, dana: Account
) -> None:
    """At the console and through the API, by name and with a reason; nothing is overwritten."""
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    right = {"police": "yes", "asked_by": "staff", "told_before": "yes"}
    early = does(desk, case.id, "correct", reason="Wrong button", **right)
    assert early.status_code == 409 and "has not ended" in early.text
    assert does(desk, case.id, "close", outcome="resolved", police="no").status_code == 303
    for half in (
        {"reason": "Wrong button"}, {"reason": "Wrong button", "police": "yes"}, right,
        {"reason": "Wrong button", "police": "yes", "asked_by": "staff", "told_before": "perhaps"},
    ):  # fmt: skip
        assert does(desk, case.id, "correct", **half).status_code == 409, half

    assert does(desk, case.id, "correct", reason="Wrong button", **right).status_code == 303
    again = does(desk, case.id, "correct", reason="Wrong button", **right)

    assert again.status_code == 303  # pressed twice: one correction
    (entry,) = house.rows("journal", case_id=case.id, event="police_corrected")
    assert (entry.who, entry.detail["was"], entry.detail["police"]) == (dana.name, "no", "yes")
    assert "Wrong button" not in str(entry.detail)
    page = desk.get(f"/console/cases/{case.id}").text
    now = "Police were there. Somebody here called 911. They were told before."
    assert f"{now} That was corrected later. Before: Police were not there." in page
    assert f"{dana.name} corrected what is recorded of police. Now: {now} Before:" in page
    assert "Wrong button" in page

    path, told = f"/{case.id}/police", {"by": "Maria", "reason": "The report came"}
    assert house.dispatch(path, told | {"police": "yes"}).status_code == 422
    packet = house.dispatch(path, told | {"police": "unknown"}).json
    assert packet["police"]["present"] == "unknown" and packet["police"]["corrected"] is True
    jsonschema.validate(packet, SCHEMA)
    (row,) = house.rows("case", id=case.id)
    assert row.state["police_before"] == [["no", "", ""], ["yes", "staff", "yes"]]
    with house.parts.engine.connect() as conn:
        (group,) = counts.counted(conn)
    assert (group.police, bool(group.police_corrected)) == ("unknown", True)

    house.settles().wait(3600 * 24 * 31)
    house.sweeps()  # the words are erased: new ones are refused, as nothing would erase them
    desk.signs_in(dana)
    assert does(desk, case.id, "correct", reason="At last", **right).status_code == 303
    page = desk.get(f"/console/cases/{case.id}").text
    assert "Before: Nobody knows if police were there." in page and "At last" not in page


def test_a_care_note_and_a_slowed_number_are_set_from_the_page_with_a_reason(
    house: House, desk: Browser, dana: Account
) -> None:
    """A dispatcher stores a care note; a supervisor limits replies to the number. Both expire and
    can be removed, and a new danger is answered at once."""
    me = house.resident().texts("hello", "0")
    case, page = me.case(), f"/console/cases/{me.case().id}"
    boss = Browser(house, "203.0.113.8")
    chief = Account(house, "Lee Chief", Role.SUPERVISOR)
    boss.signs_in(chief)

    note = {"words": "Ana knows them and calls back.", "days": "30"}
    assert does(desk, case.id, "care_note", **note).status_code == 409, "needs a reason"
    for wrong in ({"days": "31"}, {"days": "-1"}, {"days": ""}):
        assert does(desk, case.id, "care_note", **note | wrong, reason="often").status_code == 409
    assert does(desk, case.id, "care_note", words=" ", days="1", reason="x").status_code == 422
    assert does(desk, case.id, "care_note", **note, reason="nightly").status_code == 303
    assert "Ana knows them" in desk.get(page).text
    assert "nightly" in desk.get(page).text, "kept sealed with the case"

    slow = {"hours": "12", "reason": "forty an hour"}
    assert does(desk, case.id, "slow", **slow).status_code == 403
    assert not house.rows("journal", event="slowed")
    assert does(boss, case.id, "slow", **slow | {"hours": "13"}).status_code == 409
    assert does(boss, case.id, "slow", **slow).status_code == 303
    assert "Answered at most every ten minutes until" in boss.get(page).text
    who = {row.event: row.who for row in house.rows("journal", case_id=case.id)}
    assert (who["care_note"], who["slowed"]) == (dana.name, chief.name)
    stored = str([row for name in ("case", "contact", "journal") for row in house.rows(name)])
    assert "Ana knows" not in stored and "nightly" not in stored and "forty" not in stored

    assert does(desk, case.id, "care_note", days="0", reason="better").status_code == 303
    assert "Ana knows them" not in desk.get(page).text
    end = {"outcome": "no_danger_found", "police": "no"}
    assert does(desk, case.id, "close", **end).status_code == 303
    me.texts("you there")
    assert not me.texts("why dont you answer").heard
    assert me.texts("i took all my pills goodbye").heard, "danger is answered at once"
    newest = me.case().id
    assert does(boss, newest, "slow", hours="0", reason="better").status_code == 303
    assert "every ten minutes until" not in desk.get(f"/console/cases/{newest}").text


def test_who_calls_911_says_why_tells_them_first_and_software_dials_nobody(
    house: House, desk: Browser, dana: Account
) -> None:
    """The resident is told in their language before the number is shown; the team is told, too, and
    the danger stays open."""
    me = house.resident()
    me.texts("me quiero morir, tengo pastillas")
    case = me.case()
    assert case.language == "es"
    assert does(desk, case.id, "place", place="Main St and 3rd Ave").status_code == 303
    house.settles().sent.clear()
    calls = len(house.rows("call"))
    why = {"reason": "They took pills and fall asleep"}
    assert does(desk, case.id, "call_911", tell="words").status_code == 409, "needs a reason"
    assert does(desk, case.id, "call_911", **why).status_code == 409, "told or not?"
    assert does(desk, case.id, "call_911", **why, tell="not").status_code == 409, "why not?"
    assert "720-555-0110" not in desk.get(f"/console/cases/{case.id}").text

    assert does(desk, case.id, "call_911", **why, tell="words").status_code == 303
    assert does(desk, case.id, "call_911", **why, tell="words").status_code == 303  # pressed twice

    house.settles()
    (sent,) = [words for words in house.texts_to(me.number) if "911" in words]
    assert house.words("phrase.calls_911", "es") in sent
    assert len(house.rows("call")) == calls, "a human calls, never software"
    (entry,) = house.rows("journal", case_id=case.id, event="called_911")
    assert (entry.who, entry.detail) == (dana.name, {"by": dana.name, "told": "words"})
    page = desk.get(f"/console/cases/{case.id}").text
    for words in (
        "Dana Ruiz calls 911 for this place",
        "Words were sent to them first",
        "tel:+17205550110",
    ):
        assert words in page, words
    packet = house.dispatch(f"/{case.id}", method="GET").json
    jsonschema.validate(packet, SCHEMA)
    assert packet["called_911"]["by"] == dana.name
    assert packet["called_911"]["resident_told"] is True
    assert packet["police_requested"] is False
    told = eido_document(packet, Issuer("care.example.org", "team.example.org"), house.clock())
    assert "No police requested" not in json.dumps(told)
    sheet = dict(printed(packet, {}).lines)
    assert sheet["Police"].startswith("Dana Ruiz called 911 for this place")
    (row,) = house.rows("case", id=case.id)
    assert (row.status, row.level) == ("accepted", case.level)
    assert "fall asleep" not in str([row, entry])


def test_not_to_tell_them_before_911_is_called_has_its_own_reason(
    house: House, desk: Browser
) -> None:
    """If a message could get someone hurt nothing is sent; whoever has the case is alerted; and for
    a place outside all areas there is no line, so 911 itself has to be dialled."""
    case = danger(house)
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    chief = next(rung for rung in house.parts.program.ladder if rung.name == "Shift supervisor")
    does(desk, case.id, "take")
    does(desk, case.id, "words", words="I am here.")
    assert does(desk, case.id, "hand_over", to=chief.name).status_code == 303
    held = does(maria, case.id, "call_911", reason="An attempt", tell="words")
    assert held.status_code == 409
    assert "Shift supervisor holds the conversation" in held.text
    house.settles().sent.clear()

    not_told = {"reason": "An attempt", "tell": "not", "why_not": "He reads her phone"}
    assert does(maria, case.id, "call_911", **not_told).status_code == 303

    house.settles()
    assert not [words for words in house.texts_to("+17205550123") if "911 now so" in words]
    alert = house.words("alert.called_911", reference=case.reference, words="Maria Sol")
    assert alert in house.texts_to(chief.number)
    page = maria.get(f"/console/cases/{case.id}").text
    for words in ("They were not told.", "He reads her phone", "dial 911, and ask for the center"):
        assert words in page, words
    assert "He reads" not in str([house.rows(name) for name in ("case", "journal")])
    house.wait(11 * 60)
    maria.signs_in(Account(house, "Maria Luz", Role.DISPATCHER))
    does(maria, case.id, "take_over")
    closed = does(maria, case.id, "call_911", reason="Again", tell="words")
    assert closed.status_code == 409
    assert "They may not be written to now" in closed.text


def test_somebody_is_asked_from_the_case_to_take_it_and_until_then_it_stays(
    house: House, desk: Browser, dana: Account
) -> None:
    case = danger(house)
    maria = Browser(house, "203.0.113.8")
    maria.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    away = does(desk, case.id, "ask_to_take", to="Maria Sol")
    assert away.status_code == 409, "whoever has nothing gives nothing away"
    does(desk, case.id, "take")
    assert does(desk, case.id, "ask_to_take", to="Nobody Here").status_code == 409

    assert "Maria Sol, signed in" in desk.get(f"/console/cases/{case.id}").text
    asked = does(desk, case.id, "ask_to_take", to="Maria Sol", reason="I go home")
    assert asked.status_code == 303
    assert "Yours" in desk.get(f"/console/cases/{case.id}").text
    page = maria.get(f"/console/cases/{case.id}").text
    assert page.index("Take it") < page.index("More <kbd>")
    assert does(maria, case.id, "take").status_code == 303

    assert "Maria Sol has it" in desk.get(f"/console/cases/{case.id}").text
    who = {row.event: row.who for row in house.rows("journal", case_id=case.id)}
    assert (who["handover_asked"], who["handover_taken"]) == (dana.name, "Maria Sol")
    assert "I go home" not in str(house.rows("journal") + house.rows("case"))
