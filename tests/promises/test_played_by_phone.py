"""Calls played by somebody who knew only the rules, through the real endpoints (rules 2 to 5, 10,
20 to 22)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from caller import ME, Caller
from phones import Phone

from caller_service.core.marks import Mark
from caller_service.core.said import Said
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House

NO = "2"


def runs(house: House) -> None:
    house.sweeps().settles()


def rings_out(house: House, played: set[int]) -> None:
    """No member of staff answers: every phone that is ringing, and is not in `played`, rings
    out."""
    ringing = [
        place for place, form in enumerate(house.rung) if place not in played and form["To"] != ME
    ]
    played.update(ringing)
    for place in ringing:
        Phone(house, place).reports("ringing", "no-answer")
    if ringing:
        runs(house)


def waits_on(house: House, me: Caller, times: int, played: set[int]) -> None:
    """The caller stays in the queue, and nobody else answers."""
    for _ in range(times):
        me.is_silent()
        runs(house)
        rings_out(house, played)


# ---- what staff hear first -----------------------------------------------------------------------
@pytest.mark.parametrize(("language", "told"), [("es", True), ("en", False)])
def test_staff_hear_which_language_the_caller_speaks(
    house: House, language: str, told: bool
) -> None:
    """Their first words are in it, or they fetch who speaks it."""
    me = Caller(house).rings()
    if language == "es":
        house.wait(4)
        me.presses("2", listening=False)
    me.presses("1", "1")
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    assert me.case().language == language
    assert ("Spanish." in dana.said) == told


@pytest.mark.parametrize("at", ["in the queue", "at the status"])
def test_the_other_language_is_theirs_wherever_it_is_offered(house: House, at: str) -> None:
    """ "Para español, oprima 2" is said to whoever calls about a request that is known, too: 2 then
    is no word that it got worse, and is not passed over in silence."""
    keys = ("1", "1") if at == "in the queue" else ("1", NO, NO, NO, NO, "1", "1", "2", NO)
    level = Caller(house).rings().presses(*keys).hangs_up().case().level
    me = Caller(house).rings()
    assert house.words("spoken.language", "es", number="2") in " ".join(
        said for _, said in me.lines
    )
    house.wait(4)
    me.presses("2", listening=False)
    assert (me.case().language, me.case().level) == ("es", level)
    says = list(me.document.iter("Say"))
    assert says and says[-1].get("language") == "es-US"
    house.wait(2)
    me.presses("2", listening=at == "at the status")
    if at == "in the queue":
        assert me.case().language == "en"
    else:
        assert me.case().in_danger, "after its words it means what they say"


# ---- two calls of one number ---------------------------------------------------------------------
DANA, SECOND, SUPERVISOR, BACKSTOP = (f"+172055501{line}" for line in (30, 31, 32, 39))


def talks(house: House) -> tuple[Caller, Phone]:
    """A human speaks with somebody in danger."""
    one = Caller(house).rings().presses("1", "1")
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    one.is_joined(dana.queue_url.partition("id=")[2])
    runs(house)
    return one, dana


def two_calls(house: House, first: bool) -> tuple[Caller, Caller, Phone]:
    """Two calls from one number, such as a shelter's, are waiting, and a human speaks with one of
    them. Returns the one who speaks, the one who waits, and the human's phone."""
    one = Caller(house).rings().presses("1", "1")
    two = Caller(house).rings()
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    speaks, waits = (one, two) if first else (two, one)
    speaks.is_joined(dana.queue_url.partition("id=")[2])
    runs(house)
    return speaks, waits, dana


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("reported", ["caller first", "staff first", "staff alone"])
def test_of_two_callers_the_one_who_waits_is_not_forgotten(
    house: House, first: bool, reported: str
) -> None:
    """Promise 1: when the talk with the other caller ends, somebody is called for this one at
    once."""
    speaks, waits, dana = two_calls(house, first)
    house.wait(60)
    before = len(house.rung)

    if reported == "caller first":
        speaks.hangs_up()
        dana.parts()
        dana.reports("completed")
    else:
        dana.parts()
        dana.reports("completed")
        if reported == "staff first":
            speaks.hangs_up()
    runs(house)
    waits_on(house, waits, 4, {0})

    assert not waits.case().talking
    assert waits.queue is not None
    assert "+17205550130" in [form["To"] for form in house.rung[before:]]
    again = len(house.rung)
    waits_on(house, waits, 8, set(range(again)))
    assert len(house.rung) > again, "and they go on being asked"


def test_who_waits_beside_another_call_hears_no_untruth(house: House) -> None:
    """Those who were asked before a human took the other call are not asked any more (rule 22)."""
    _, waits, _ = two_calls(house, first=True)
    heard = [waits.is_silent().said for _ in range(6)]
    assert not any("have been asked" in each or "has been asked" in each for each in heard)
    assert house.words("spoken.wait.other_asked") in heard
    assert all(one != two for one, two in itertools.pairwise(heard))


def test_who_rings_while_a_human_speaks_with_the_other_hears_so_at_once(house: House) -> None:
    """Somebody else is asked for them: the phone of whoever speaks cannot ring (rules 3 and 22)."""
    one, _ = talks(house)
    rung, sent = len(house.rung), len(house.sent)
    two = Caller(house).rings().told("spoken.wait.other_asked")
    runs(house)
    assert house.words("spoken.wait.start") not in "".join(words for _, words in two.lines)
    assert {form["To"] for form in house.rung[rung:]} == {SECOND, SUPERVISOR}
    (told,) = house.sent[sent:]
    words = house.words("alert.calls_too.asked", reference=one.case().reference)
    assert (told["To"], told["Body"]) == (DANA, words)
    rings_out(house, set(range(rung)))
    rung = len(house.rung)
    one.hangs_up()
    runs(house)
    assert len(house.rung) > rung, "and again when that talk ends"


def test_the_next_is_asked_for_them_as_long_as_the_other_talk_lasts(house: House) -> None:
    """The clocks of the case stand still meanwhile; their danger does not (rule 4)."""
    one, _ = talks(house)
    two = Caller(house).rings()
    played = {0, 1}
    runs(house)
    for _ in range(3):
        before = len(house.rung)
        waits_on(house, two, 4, played)
        assert len(house.rung) > before
    waits_on(house, two, 40, played)
    assert BACKSTOP in [form["To"] for form in house.rung]
    assert one.case().talking and one.case().in_charge == "Dispatcher on duty"


def beside(house: House) -> tuple[Caller, Phone, Caller, Phone]:
    """A human speaks with the first call of a number, and another with the second."""
    one, dana = talks(house)
    rung = len(house.rung)
    two = Caller(house).rings()
    runs(house)
    place = next(place for place in range(rung, len(house.rung)) if _to(house, place) == SECOND)
    sam = Phone(house, place).picks_up().presses("1")
    two.is_joined(sam.queue_url.partition("id=")[2])
    runs(house)
    return one, dana, two, sam


def _to(house: House, place: int) -> str:
    return str(house.rung[place]["To"])


def test_somebody_else_speaks_with_them_and_the_case_stays_where_it_is(house: House) -> None:
    """One holder (rule 20), who is told; the phones that still rang for it fall silent."""
    one, _, two, _ = beside(house)
    two.told("spoken.wait.found")
    words = house.words(
        "alert.other_call", reference=one.case().reference, words="Second dispatcher"
    )
    assert words in house.texts_to(DANA)
    assert one.case().in_charge == "Dispatcher on duty"
    assert len(house.hung_up) == 2  # for the first call, and for the second


def test_whoever_cannot_take_the_other_call_passes_it_on(house: House) -> None:
    """To the next person, at once; "already taken" is said of the first call alone (rule 22)."""
    talks(house)
    rung = len(house.rung)
    Caller(house).rings()
    runs(house)
    rings_out(house, {0, 1, rung})
    said = Phone(house, rung).picks_up().presses("2").said
    assert said == house.words("page.call_passed")
    before = len(house.rung)
    runs(house)
    assert len(house.rung) > before


def test_who_has_the_case_learns_that_the_other_call_ended_unheard(house: House) -> None:
    """Perhaps whoever they speak with knows who it was (promise 1)."""
    one, _ = talks(house)
    Caller(house).rings().hangs_up()
    runs(house)
    words = house.words("alert.other_gone", reference=one.case().reference)
    assert words in house.texts_to(DANA)
    assert one.case().talking


@pytest.mark.parametrize("first", ["one", "two"])
@pytest.mark.parametrize("who", ["caller", "staff"])
def test_one_of_two_talks_ends_and_the_other_goes_on(house: House, first: str, who: str) -> None:
    """Nobody is late while a human still speaks; and nobody is forgotten after the last word."""
    one, dana, two, sam = beside(house)
    house.wait(120)
    talks_with = {"one": (one, dana), "two": (two, sam)}
    caller, staff = talks_with.pop(first)
    ((other, theirs),) = talks_with.values()
    rung = len(house.rung)
    if who == "caller":
        caller.hangs_up()
    staff.parts()
    staff.reports("completed")
    house.passes(300, 20).settles()
    assert other.case().talking
    assert len(house.rung) == rung, "nobody is rung for whoever is gone, or speaks"
    if who == "staff":
        caller.parts().told("spoken.wait.parted").is_silent()
        caller.told("spoken.wait.other_asked")
        runs(house)
        assert len(house.rung) > rung, "whoever stays on the line is asked for"
        caller.hangs_up()
    theirs.parts()
    theirs.reports("completed")
    assert not other.case().talking
    other.parts().told("spoken.wait.parted").is_silent()
    runs(house)
    assert len(house.rung) > rung


@pytest.mark.parametrize("beside", [True, False])
def test_whoever_waits_unheard_waits_on_when_the_case_is_closed(house: House, beside: bool) -> None:
    """A human found one caller safe, or closed the wrong case: nobody has heard this one (promise
    1). They are asked for on a case of their own, and hear nothing of an end."""
    if beside:
        one, dana = talks(house)
        two = Caller(house).rings()
        dana.parts()
        dana.reports("completed")
        one.hangs_up()
    else:
        two = Caller(house).rings().presses("1", "1")
    closed = two.case()
    told = {"status": "closed", "by": "Dispatcher on duty", "outcome": "safe"}
    assert house.dispatch(f"/{closed.id}/status", told).status_code == 200
    runs(house)
    rung = len(house.rung)
    two.is_silent().told("spoken.wait.start")
    assert house.words("spoken.wait.closed") not in two.said
    case = two.case()
    assert case.related == closed.id and case.in_danger and two.name_of_queue == case.id
    runs(house)
    assert len(house.rung) > rung


def test_back_from_988_beside_a_talk_a_person_is_asked(house: House) -> None:
    """ "I am asking a person" is true when they hear it (rule 22)."""
    talks(house)
    two = Caller(house).rings()
    house.wait(120)
    two.presses("4", "1")
    runs(house)
    rings_out(house, {0, 1})
    rung = len(house.rung)
    two.comes_back()
    runs(house)
    assert house.words("spoken.wait.after_988") in two.lines[-2][1] + two.lines[-1][1]
    assert len(house.rung) > rung


def test_the_other_call_may_be_at_a_question(house: House) -> None:
    """Nobody is called for a caller who is not waiting: this one had only reached the end of their
    call."""
    house.resident(ME).texts("hi")
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2")
    two = Caller(house).rings().told("spoken.open_request.keys").presses("2")
    runs(house)
    dana = Phone(house, -1).picks_up().presses("1")
    two.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(60)
    before = len(house.rung)
    two.hangs_up()
    runs(house)
    assert not me.case().talking and len(house.rung) == before


# ---- told too late -------------------------------------------------------------------------------
def test_nobody_joins_a_caller_who_has_hung_up(house: House) -> None:
    """The request that joins them comes after the end of the call: nobody spoke with them, and the
    next person is asked when the time to join is over (rule 21)."""
    me = Caller(house).rings().presses("1", "1")
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    me.hangs_up()
    me._asks(f"/twilio/voice/joined?id={dana.queue_url.partition('id=')[2]}")
    dana.parts("no-answer")
    dana.reports("completed")
    assert not house.rows("talk") and Mark.JOINED not in me.case().marks
    paged = len(house.rows("page"))
    house.passes(90, 10).settles()
    assert len(house.rows("page")) > paged


# ---- a promised call -----------------------------------------------------------------------------
def with_callback(house: House) -> Any:
    """Somebody who wants a counselor, and is to be called in ten minutes."""
    Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2").hangs_up()
    runs(house)
    house.resident(ME).texts("call me in 10 minutes")
    return house.rows("callback")[0]


def attempt(house: House, played: set[int]) -> Phone:
    """The phone of the human who is to call back, once an attempt begins. Nobody else answers."""
    for _ in range(120):
        (callback,) = house.rows("callback")
        for place, form in enumerate(house.rung):
            wanted = callback.state == "ringing" and form["Url"].endswith(f"id={callback.call_id}")
            if wanted and place not in played:
                played.add(place)
                return Phone(house, place)
        rings_out(house, played)
        house.passes(10, 10).settles()
    raise AssertionError(house.rows("callback"))


def their_phone(house: House, staff: Phone) -> Phone:
    staff.picks_up().presses("1")
    before = len(house.rung)
    runs(house)
    return Phone(house, before)


@pytest.mark.parametrize("how", ["no-answer", "busy", "failed"])
@pytest.mark.parametrize("worker_first", [True, False])
def test_staff_hear_what_became_of_each_attempt(house: House, how: str, worker_first: bool) -> None:
    """Of somebody who did not answer it is not said that they "hung up", or that the case is
    theirs; and no further attempt is announced after the last one (rule 22)."""
    with_callback(house)
    played: set[int] = set()
    again, last = house.words("spoken.callback.again"), house.words("spoken.callback.last")
    nobody = house.words("spoken.callback.nobody")
    for ending in (again, again, last):
        staff = attempt(house, played)
        theirs = their_phone(house, staff)
        played.add(house.rung.index(theirs.form))
        theirs.reports("ringing", how)
        if worker_first:
            runs(house)
        staff.parts("no-answer")
        assert staff.said == f"{nobody} {ending}"
        staff.reports("completed")
        runs(house)
    assert house.rows("callback")[0].outcome == "not_reached"


def test_who_was_never_called_does_not_read_that_we_tried(house: House) -> None:
    with_callback(house)
    played: set[int] = set()
    for _ in range(240):
        house.passes(10, 10).settles()
        rings_out(house, played)
    assert house.rows("callback")[0].outcome == "nobody_free"
    assert ME not in [form["To"] for form in house.rung]
    assert house.words("callback.nobody_free") in house.texts_to(ME)
    assert house.words("callback.not_reached") not in house.texts_to(ME)


@pytest.mark.parametrize("spoke", [True, False])
def test_the_hour_passes_while_they_are_on_the_line(house: House, spoke: bool) -> None:
    """No attempt was begun, so nobody tried. But somebody who has spoken with a human meanwhile was
    reached."""
    with_callback(house)
    house.wait(590)
    me = Caller(house).rings().presses("0")
    runs(house)
    dana = Phone(house, -1).picks_up().presses("1")
    house.wait(20)
    if spoke:
        me.is_joined(dana.queue_url.partition("id=")[2])
    for _ in range(72):
        house.wait(60)
        runs(house)
    me.hangs_up()
    house.wait(60)
    runs(house)
    assert house.rows("callback")[0].outcome == ("reached" if spoke else "nobody_free")
    assert ME not in [form["To"] for form in house.rung]
    assert house.words("callback.not_reached") not in house.texts_to(ME)
    assert (house.words("callback.nobody_free") in house.texts_to(ME)) is not spoke


@pytest.mark.parametrize("key", ["", "9"])
def test_a_human_who_pressed_no_1_hears_the_same_question_again(house: House, key: str) -> None:
    """Here 1 calls the resident, so they are not told that it takes the case, whoever has the case
    meanwhile."""
    callback = with_callback(house)
    staff = attempt(house, set()).picks_up()
    asked = staff.said
    told = {"by": "Backstop line", "answer": "accept"}
    path = f"/{callback.case_id}/acknowledgement"
    assert house.dispatch(path, told).status_code == 200
    assert staff.presses(key).said == asked == house.words("spoken.callback.before")
    staff.presses("1")
    assert staff.queue_url


def test_a_human_who_picks_up_for_a_call_that_is_not_wanted_hears_so(house: House) -> None:
    with_callback(house)
    staff = attempt(house, set())
    house.resident(ME).texts("do not call me")
    assert staff.picks_up().said == house.words("spoken.callback.not_wanted")
    assert staff.hung_up


# ---- keys that mean nothing ----------------------------------------------------------------------
WRONG = ("7", "7", "7")


def test_a_wrong_key_at_their_age_does_not_make_them_somebody_else(house: House) -> None:
    """They said that it is about them, so the next question is about them, and a human reads
    why."""
    me = Caller(house).rings().presses("1", NO, NO).told("spoken.ask.under_18").presses(*WRONG)
    me.told("spoken.ask.suicide.me")
    case = me.case()
    assert case.answers["who"] == "me" and case.review and "unclear_wish" in case.because


@pytest.mark.parametrize(
    ("keys", "part", "contact"),
    [
        ((), "call_safe", "unsafe"),
        (("1",), "text_safe_too", "call"),
        ((NO,), "text_safe", "unsafe"),
    ],
)
def test_a_wrong_key_about_contact_is_the_stricter_answer(
    house: House, keys: tuple[str, ...], part: str, contact: str
) -> None:
    """It counts like "not sure": nothing is permitted by it, and a yes to calls that was given
    before remains."""
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, *keys)
    me.told(f"spoken.ask.{part}").presses(*WRONG)
    case = me.case()
    assert case.answers["contact"] == contact and case.review
    assert me.action, me.transcript()


def test_a_wrong_key_about_somebody_else_is_doubt(house: House) -> None:
    me = Caller(house).rings().presses("2", NO).told("spoken.ask.about_who").presses(*WRONG)
    assert me.case().answers["who"] == "unreadable" and me.case().review


# ---- another request after the end ---------------------------------------------------------------
@pytest.mark.parametrize("how", ["closed while they talked", "booked a call"])
def test_who_asks_for_a_person_after_the_end_begins_to_wait_anew(house: House, how: str) -> None:
    """What was true of an earlier wait is not repeated during this one (rule 22)."""
    keys = ("1", "1") if how.startswith("closed") else ("1", NO, NO, NO, NO, "1", "1", "0")
    me = Caller(house).rings().presses(*keys)
    runs(house)
    waits_on(house, me, 6, set() if how == "booked a call" else {0})
    if how == "booked a call":
        me.presses("5", "1")
    else:
        dana = Phone(house, 0).picks_up().presses("1")
        me.is_joined(dana.queue_url.partition("id=")[2])
        house.wait(60)
        by = {"by": "Dispatcher on duty"}
        body = by | {"status": "closed", "outcome": "no_danger_found"}
        assert house.dispatch(f"/{me.case().id}/status", body).status_code == 200
        dana.parts()
        dana.reports("completed")
        me.parts()
    me.told("spoken.closing").presses("0").told("spoken.wait.start")
    heard = [me.is_silent().said for _ in range(2)]
    assert house.words("spoken.wait.nobody_yet") not in heard
    began = [line.case_id for line in house.rows("journal") if line.event == "call_began"]
    assert began[-1] == me.case().id, "the case that the call goes on with says so"
    assert len(set(began)) == len(began) == (2 if how.startswith("closed") else 1)


# ---- speech instead of keys, if the program has signed for it ------------------------------------
@pytest.fixture
def listens(house: House) -> House:
    program = house.parts.program
    house.change(program=replace(program, phone=replace(program.phone, speech=True)))
    return house


def test_who_speaks_is_told_that_it_is_written_down(listens: House) -> None:
    """Before the first word is listened for; nobody is told so in vain."""
    Caller(listens).rings().told("spoken.speech")
    program = listens.parts.program
    listens.change(program=replace(program, phone=replace(program.phone, speech=False)))
    me = Caller(listens, "+17205550124").rings()
    assert listens.words("spoken.speech") not in me.said


@pytest.mark.parametrize("said", ["he is hitting me", "I need a person", "it got worse"])
@pytest.mark.parametrize("at", ["the first question", "the status", "the last words"])
def test_words_are_heard_wherever_a_key_would_be(listens: House, at: str, said: str) -> None:
    """Nobody speaks to us unheard, and is hung up on (promise 1)."""
    me = Caller(listens).rings()
    if at != "the first question":
        me.presses("1", NO, NO, NO, NO, "1", "1", "2", NO).told("spoken.closing")
    if at == "the status":
        me.is_silent()
        me = Caller(listens).rings().told("spoken.open_request.keys").told("spoken.speech")
    me.says(said)
    assert me.queue is not None and me.case().in_danger, me.transcript()


@pytest.mark.parametrize("at", ["the status", "the last words"])
def test_a_story_after_the_questions_is_kept_and_read(listens: House, at: str) -> None:
    """As by text after the hand-off (rule 7)."""
    story = "my brother lost his job and he has not come out of his room all week"
    me = Caller(listens).rings().presses("1", NO, NO, NO, NO, "1", "1", "2", NO)
    me.told("spoken.closing")
    if at == "the status":
        me.is_silent()
        me = Caller(listens).rings()
    me.says(story).told("spoken.again.here")
    assert me.case().narrative == (story,) and me.case().review
    assert me.action, "they may go on"


@pytest.mark.parametrize("said", ["no respiro bien", "no estoy respirando bien"])
def test_a_no_in_front_of_breathing_is_no_answer(listens: House, said: str) -> None:
    me = Caller(listens).rings()
    listens.wait(4)
    me.presses("2", listening=False).presses("1").says(said)
    assert me.queue is not None and me.case().in_danger, me.transcript()


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("yes", "me"), ("me", "me"), ("no", "someone"), ("someone else", "someone"),
        ("my brother", "adult"), ("I am 15", "me_minor"), ("a child", "child"),
        ("one", "me"), ("press two", "someone"), ("yeah, it's me", "me"), ("its about me", "me"),
        ("no, it's for my brother", "adult"), ("no, it's my son", "someone"),
        ("para otra persona", "someone"),
    ],
)  # fmt: skip
def test_words_answer_what_was_asked_aloud(listens: House, said: str, who: str) -> None:
    """It does not answer the long question of the text protocol behind it."""
    me = Caller(listens).rings().presses("7").told("spoken.ask.about_you").says(said)
    assert me.case().answers["who"] == who
    assert listens.words("spoken.not_a_key") not in me.said


@pytest.mark.parametrize(
    ("said", "who"), [("yes", "me_minor"), ("no", "me"), ("im 16", "me_minor")]
)
def test_their_age_in_words(listens: House, said: str, who: str) -> None:
    me = Caller(listens).rings().presses("1", NO, NO).told("spoken.ask.under_18").says(said)
    assert me.case().answers["who"] == who
    me.told("spoken.ask.suicide.me")
    assert (listens.words("spoken.minor.report") in me.said) is (who == "me_minor")


@pytest.mark.parametrize(
    ("keys", "said", "contact"),
    [
        ((), "no", "unsafe"), ((), "not sure", "unsafe"), ((), "yes", None), ((), "sure", None),
        (("1",), "no", "call"), (("1",), "yes", "call"), ((NO,), "yes", "unsafe"),
        ((NO,), "no", "unsafe"), (("1",), "not sure", "call"),
    ],
)  # fmt: skip
def test_words_close_contact_and_never_open_it(
    listens: House, keys: tuple[str, ...], said: str, contact: str | None
) -> None:
    me = Caller(listens).rings().presses("1", NO, NO, NO, NO, *keys).says(said)
    assert me.case().answers.get("contact") == contact


@pytest.mark.parametrize(
    "said",
    ["help", "can i talk to a person", "this is county dispatch, i have a caller for you",
     "call me back at 6", "help me", "please help me", "a representative please",
     "an interpreter", "I don't speak English", "do you have a Vietnamese interpreter"],
)  # fmt: skip
def test_words_for_a_person_are_a_person(listens: House, said: str) -> None:
    me = Caller(listens).rings().presses("1").says(said)
    assert me.queue is not None and me.case().in_danger, me.transcript()
    assert not listens.rows("callback")


@pytest.mark.parametrize(
    "said",
    ["this is relay operator 1234", "hello, have you received a relay call before",
     "video relay interpreter 88", "i am deaf", "I'm calling for a deaf person"],
)  # fmt: skip
def test_who_speaks_for_somebody_deaf_gets_a_person_who_knows(listens: House, said: str) -> None:
    """An operator reads out what we say, and answers late: no keypad, no questions (28 CFR 35)."""
    me = Caller(listens).rings().says(said)
    assert me.queue is not None and me.case().in_danger, me.transcript()
    listens.sweeps().settles()
    dana = Phone(listens, 0).picks_up().presses("1")
    assert listens.words("spoken.whisper.deaf") in dana.said
    packet = listens.dispatch(f"/{me.case().id}", method="GET").json
    assert packet["contact"]["deaf_or_asl"]


@pytest.mark.parametrize("keys", [(), ("1",), ("1", NO), ("1", NO, NO, NO, NO)])
@pytest.mark.parametrize("said", ["he's here", "cant talk right now", "me oye", "I can't talk"])
def test_who_is_overheard_cannot_talk(listens: House, keys: tuple[str, ...], said: str) -> None:
    """A danger sign at any question, like a key of whoever cannot talk (rule 11)."""
    if said == "I can't talk" and len(keys) == 5:
        return  # there it may be an answer: no calls
    me = Caller(listens).rings().presses(*keys).says(said)
    assert Said.HIDING in me.case().said and me.case().violent
    me.told("spoken.danger.hiding")
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("sure", [0.0, 0.59])
def test_a_yes_that_was_not_clear_is_doubt_and_a_no_is_nothing(listens: House, sure: float) -> None:
    """Doubt is a human, never a "no" (rule 2); a television says "no", too."""
    me = Caller(listens).rings().presses("1").says("no", sure).told("spoken.not_a_key")
    assert "health" not in me.case().answers
    me.says("yes", sure)
    assert me.case().answers["health"] == "unsure"
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize(
    ("said", "person"),
    [("I don't know", True), ("I don't want to say", True), ("he is here", True), ("what", False)],
)
def test_what_names_no_place_is_not_read_back_as_one(
    listens: House, said: str, person: bool
) -> None:
    """Nobody confirms "I heard: I don't know", and no team gets it as a place (rule 13)."""
    me = Caller(listens).rings().presses("1", NO, NO, NO, NO, "1", "1", "1").says(said)
    assert "I heard" not in me.said and not me.case().place
    assert (me.queue is not None) == person, me.transcript()
    if said == "he is here":
        listens.settles()
        assert not listens.texts_to(ME), "who cannot say it may not want a text"


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("did my wife call you", "others.cannot_say"), ("are you a robot", "faq.robot"),
        ("are you recording this", "faq.private"), ("is this the police", "faq.police"),
        ("are you ICE", "faq.immigration"), ("who is this", "faq.who"), ("988", "say.call_988"),
    ],
)  # fmt: skip
def test_a_question_asked_aloud_is_answered_and_ours_put_again(
    listens: House, said: str, key: str
) -> None:
    me = Caller(listens).rings().presses("1").says(said)
    me.told(f"spoken.{key}").told("spoken.ask.health.me")
    assert listens.words("spoken.not_a_key") not in me.said
    assert "health" not in me.case().answers


@pytest.mark.parametrize("said", ["what", "say that again", "hold on", "repita"])
def test_who_did_not_hear_it_hears_it_slower_and_in_the_end_a_person(
    listens: House, said: str
) -> None:
    me = Caller(listens).rings().presses("1")
    for _ in range(2):
        me.says(said).told("spoken.ask.health.me")
        assert listens.words("spoken.not_a_key") not in me.said
    assert not me.case().narrative and not me.case().review
    me.says(said)
    assert me.queue is not None, me.transcript()


def test_a_story_told_aloud_is_kept_and_read_by_a_human(listens: House) -> None:
    """As by text: the first, and each that follows one (rule 7)."""
    story = "my brother lost his job and he has not come out of his room all week"
    me = Caller(listens).rings().says(story)
    assert me.case().narrative == (story,) and me.case().review
    later = Caller(listens, "+17205550177").rings().presses("1").says(story)
    assert later.case().narrative == (story,) and not later.case().review
    later.says("it all began last spring with the move")
    assert later.case().review
    later.presses("1")
    assert later.queue is not None


def test_911_in_words_again_is_a_person_too(listens: House) -> None:
    me = Caller(listens).rings().presses("1").says("call 911")
    assert "Hang up and call 911" in me.said and me.queue is None
    me.told("spoken.ask.health.me").says("police please")
    assert "Hang up and call 911" in me.said and me.queue is not None


def test_a_language_in_words(listens: House) -> None:
    me = Caller(listens).rings().presses("1").says("español")
    assert me.case().language == "es"
    assert listens.words("spoken.ask.health.me", "es") in me.said
    me.says("english").told("spoken.ask.health.me")
    assert me.case().language == "en"


@pytest.mark.parametrize(
    "said",
    ["status", "stop", "start", "cancel", "change", "quiet", "new", "someone else", "english",
     "thanks", "what", "im 15", "dont text me", "who is this", "goodbye", "i dont know him"],
)  # fmt: skip
def test_nobody_hears_how_to_text(listens: House, said: str) -> None:
    """The phone does not explain what a word does in a text, and does not treat spoken words as a
    wrong key."""
    me = Caller(listens).rings().presses("1", NO)
    for _ in range(3):
        if me.queue is None:
            me.says(said)
        heard = me.said.replace("If you cannot speak, text 911.", "")
        for wrong in ("text ", "Text ", "write", "send one number", "That key", "escriba"):
            assert wrong not in heard, me.transcript()
    assert me.action or me.queue, me.transcript()


def test_words_that_say_more_than_an_answer_count(listens: House) -> None:
    """Saying "I am 15" marks a minor (rule 14), and contact taken back is closed at once (rule
    10)."""
    me = Caller(listens).rings().presses("1").says("i am 15 ok")
    assert Said.MINOR in me.case().said
    me = Caller(listens, "+17205550177").rings().presses("1").says("dont text me")
    assert me.case().withdrawn == {"text"}
    me.told("spoken.withdrawn.ok").told("spoken.ask.health.me")


def test_danger_and_contact_taken_back_are_both_believed(listens: House) -> None:
    me = Caller(listens).rings().presses("1").says("he is beating me dont call me")
    assert me.case().withdrawn == {"call"} and me.case().in_danger
    assert me.queue is not None


# ---- everybody passes it on ----------------------------------------------------------------------
@pytest.mark.parametrize("keys", [("1", "1"), ("1", "0")])
@pytest.mark.parametrize("how", ["2", "failed"])
def test_nobody_is_rung_in_a_circle_without_end(
    house: House, keys: tuple[str, ...], how: str
) -> None:
    """Who passes it on, or cannot be reached, is asked again by the ladder's clock (rule 4), not
    at once because everybody else did the same."""
    me = Caller(house).rings().presses(*keys)
    played: set[int] = set()

    def all_pass() -> int:
        for turn in range(20):
            runs(house)
            fresh = [place for place in range(len(house.rung)) if place not in played]
            if not fresh:
                return turn
            for place in fresh:
                played.add(place)
                if how == "2":
                    Phone(house, place).picks_up().presses("2").reports("completed")
                else:
                    Phone(house, place).reports("failed")
        raise AssertionError([form["To"] for form in house.rung])

    all_pass()
    first = [form["To"] for form in house.rung]
    assert len(first) == len(set(first)) > 1, "each once, the next at once"
    for _ in range(4):
        before = len(house.rung)
        house.wait(61)
        all_pass()
        again = [form["To"] for form in house.rung[before:]]
        assert 0 < len(again) <= len(set(again)) + 1
    assert me.queue is not None and me.case().in_danger
    assert "+17205550139" in [form["To"] for form in house.rung], "the backstop, too"


# ---- a call that we do not know any more ---------------------------------------------------------
@pytest.mark.parametrize("how", ["reported as ended", "erased"])
def test_nobody_is_hung_up_on_in_silence(house: House, how: str) -> None:
    """They press a key, so they are there: they hear 911, 988, and that they may call again."""
    me = Caller(house).rings().presses("1")
    if how == "erased":
        with house.parts.engine.begin() as conn:
            conn.execute(Base.metadata.tables["leg"].update().values(sealed_state=b"gone"))
    else:
        me.reports("completed")
    action = me.action
    me._reads(me._asks(action, Digits=NO))
    me.told("spoken.down")
    assert me.document.find("Hangup") is not None


# ---- what is true just now -----------------------------------------------------------------------
@pytest.mark.parametrize("waited", [200, 400])
def test_a_newcomer_hears_that_others_in_danger_wait(house: House, waited: int) -> None:
    """Rule 4: while somebody in danger has waited for five minutes, the preamble says so."""
    house.resident("+17205550160").texts("i want to kill myself")
    house.passes(waited, 20).settles()
    me = Caller(house).rings().presses("1", NO).told("spoken.ask.safety")
    assert (house.words("spoken.preamble.surge") in me.said) is (waited > 300)


@pytest.mark.parametrize("between", [(), ("1",), ("9",), ("*",), ("8",)])
def test_worse_stays_a_key_after_the_status(house: House, between: tuple[str, ...]) -> None:
    """They were told that 2 means worse."""
    Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2", "1").hangs_up()
    me = Caller(house).rings().told("spoken.open_request.keys").presses("1", *between)
    assert not me.case().in_danger
    me.presses("2")
    assert Said.WORSE in me.case().said and me.queue is not None, me.transcript()
