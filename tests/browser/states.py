"""Every page for residents in every state, filled as the routes would fill it, for the browser
tests. The people, their messages and their places are made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from caller_service.web.residents.front_page import POLICE_CASES
from caller_service.web.residents.times import open_hours
from caller_service.web.residents.views import (
    CheckView,
    CodeView,
    DangerView,
    NumberView,
    Pick,
    PlaceView,
    QuestionView,
    Row,
    Spoken,
    StatusView,
    StepView,
    Told,
)

Say = Callable[..., str]
NOON = datetime(2026, 11, 23, 16, 46, tzinfo=UTC)
THREE = ("yes", "no", "unsure")


def question(say: Say, name: str, **more: object) -> QuestionView:
    """A question of the protocol, with all of its answers."""
    key, codes = QUESTIONS[name]
    choices = tuple(
        Pick(
            code,
            say(_first(say, f"web.choice.{key}.{code}", f"choice.{key}.{code}", f"choice.{code}")),
        )
        for code in codes
    )
    parts = tuple(say(f"web.safety.part.{one}") for one in range(1, 5)) if name == "safety" else ()
    asked = say(_first(say, f"web.ask.{name}", f"ask.{name}"))
    view = QuestionView(
        number=2, about=8, question=key, words=asked, parts=parts, picks=choices,
        safety=codes == THREE, at="k", action="/flow/2", back="/flow/1",
    )  # fmt: skip
    return replace(view, **more)


def _first(say: Say, *keys: str) -> str:
    return next(key for key in keys if say.has(key))  # type: ignore[attr-defined]


QUESTIONS = {
    "who": ("who", ("me", "me_minor", "adult", "child", "unknown")),
    "health.me": ("health", THREE),
    "health.they": ("health", THREE),
    "health.person": ("health", THREE),
    "safety": ("safety", THREE),
    "violence": ("violence", THREE),
    "weapon": ("weapon", THREE),
    "place": ("place", THREE),
    "suicide.me": ("suicide", THREE),
    "suicide.they": ("suicide", THREE),
    "suicide.person": ("suicide", THREE),
    "attempt.me": ("attempt", THREE),
    "attempt.they": ("attempt", THREE),
    "attempt.person": ("attempt", THREE),
    "soon.me": ("soon", THREE),
    "soon.they": ("soon", THREE),
    "soon.person": ("soon", THREE),
    "gun.me": ("gun", THREE),
    "gun.they": ("gun", THREE),
    "gun.person": ("gun", THREE),
    "check": ("check", THREE),
    "contact": ("contact", ("page", "text_call", "text", "text_deaf", "call")),
    "phone_safe": ("phone_safe", THREE),
    "want": ("want", ("team", "counselor", "information", "call_911")),
    "need": ("need", ("upset", "hears", "high", "basics", "worried", "argument", "other")),
    "if_none": ("if_none", ("wait", "counselor", "call_988", "call_911")),
    "voicemail": ("voicemail", ("yes", "no")),
}
SAFETY = tuple(name for name, (_, codes) in QUESTIONS.items() if codes == THREE)


def _talk(say: Say) -> tuple[Spoken, ...]:
    return (
        Spoken(False, "Dana", "Hi. I am Dana, a person. I read what you wrote. Are you safe where "
               "you are right now?", NOON, ""),
        Spoken(True, "", "door is locked. he went downstairs i think", NOON, "has_it"),
        Spoken(False, "Dana", "Thank you for telling me. Keep the door locked.\nI stay here.",
               NOON + timedelta(minutes=1), ""),
        Spoken(True, "", "ok <b>" + "a" * 60, NOON + timedelta(minutes=2), "on_its_way"),
    )  # fmt: skip


def status(say: Say, **more: object) -> StatusView:
    steps = (
        StepView(say("web.step.asked"), NOON, "done"),
        StepView(say("web.step.joined"), NOON + timedelta(minutes=4), "done"),
        StepView(say("web.step.finding"), NOON + timedelta(minutes=5), "here"),
        StepView(say("web.step.on_the_way"), None, "next"),
        StepView(say("web.step.there"), None, "next"),
    )
    view = StatusView(
        stands=say("web.stands.handed_off"), live="", checked=NOON, version="v1",
        range=say("web.range.minutes", low="15", high="35"), range_age=240, awaited=True, emergency=False, steps=steps, talk=(),
        hidden=False, reference="K7M4Q", code="bcdfghjkmn", told=(), danger=False, ended=False,
        can_cancel=True, code_word=True, watched=True, open_question=None, other_language="",
        at="k", mark="1a2b",
    )  # fmt: skip
    return replace(view, **more)


def danger(say: Say, **more: object) -> DangerView:
    view = DangerView(
        words=(say("web.level.health"),), poison=True, counselor=True, aid=say("web.danger.aid"),
        asked_ago=20, joined="", left=2, at="k", action="/flow/2", can_text_911=True,
        emergency=True,
    )  # fmt: skip
    return replace(view, **more)


def place(say: Say, **more: object) -> PlaceView:
    view = PlaceView(
        number=6, about=8, words=say("web.ask.where.they"), value="", picks=(), fault="", at="k",
        action="/flow/6", back="/flow/5",
    )  # fmt: skip
    return replace(view, **more)


def _number(say: Say, **more: object) -> NumberView:
    view = NumberView(5, 8, "", "", "k", "/flow/5", "/flow/4")
    return replace(view, **more)


def _check(say: Say, **more: object) -> CheckView:
    rows = tuple(
        Row(name, say(f"ask.{name}"), answer, f"/flow/{number}")
        for number, (name, answer) in enumerate(
            (
                ("who", say("choice.who.adult")),
                ("health.they", say("choice.no")),
                ("want", say("choice.want.team")),
                ("where.they", "Main St & 3rd Ave"),
            ),
            start=1,
        )
    )
    return replace(CheckView(rows, "k", "/flow/check"), **more)


MANY = (
    Pick("1", "Main St & 3rd Ave, Central"),
    Pick("2", "Main St & Mill Rd, Eastside"),
    Pick("3", "Main St, Fairview"),
)

State = Callable[[Say], tuple[str, Mapping[str, object]]]


def _with(template: str, make: Callable[..., object], **more: object) -> State:
    """A page whose view has these values; "=key" stands for the text of that key."""

    def state(say: Say) -> tuple[str, Mapping[str, object]]:
        told = {name: _words(value, say) for name, value in more.items()}
        return template, {"view": make(say, **told)}

    return state


def _words(value: object, say: Say) -> object:
    if isinstance(value, str) and value.startswith("="):
        return say(value[1:], name="Dana", low="15", high="35", count="2")
    if isinstance(value, Told):
        return Told(str(_words(value.words, say)), value.danger)
    if isinstance(value, tuple):
        return tuple(_words(one, say) for one in value)
    return value


def _bare(template: str, **more: object) -> State:
    return lambda say: (template, more)


def _asked(name: str, **more: object) -> State:
    return _with("question.html", lambda say, **told: question(say, name, **told), **more)


def _status(**more: object) -> State:
    def make(say: Say, **told: object) -> StatusView:
        if told.pop("talks", False):
            told["talk"] = _talk(say)
        if asked := told.pop("asks", ""):
            told["open_question"] = question(say, str(asked), skip=False, back="")
        return status(say, **told)

    return _with("status.html", make, **more)


STATES: dict[str, State] = {
    "front": _bare("front.html", number="+17205550100", public=True),
    "front-no-number": _bare("front.html", number="", public=True),
    "about": _bare("about.html", public=True, open_hours=open_hours),
    "police": _bare("police.html", public=True, cases=POLICE_CASES),
    **{f"question-{name}": _asked(name) for name in QUESTIONS},
    "question-first": _asked(
        "who", number=1, back="", skip=False, preamble=("=web.preamble", "=web.preamble.no_team")
    ),
    "question-refused": _asked("health.they", refused=True, told=(Told("=web.press_again"),)),
    "question-told": _asked("health.they", told=(Told("=danger.breathing", danger=True),)),
    "place": _with("place.html", place),
    "place-many": _with(
        "place.html", place, value="Main Street", picks=MANY, fault="=web.place.fault.many"
    ),
    "place-unknown": _with("place.html", place, value="<i>", fault="=web.place.fault.unknown"),
    "place-alone": _with("place.html", place, alone=True, back="", skip=False),
    "number": _with("number.html", _number),
    "number-fault": _with("number.html", _number, value="555", fault="=web.number.fault.short"),
    "danger": _with("danger.html", danger),
    "danger-joined": _with("danger.html", danger, joined="Dana", left=1, aid="", poison=False),
    "danger-calm": _with(
        "danger.html", danger, emergency=False, poison=False, aid="",
        words=("=web.level.soon",),
    ),
    "danger-relay": _with("danger.html", danger, can_text_911=False, asked_ago=None, left=0),
    "check": _with("check.html", _check),
    "check-fault": _with("check.html", _check, words="so much", fault="=web.words.long"),
    "status": _status(shared="no"),
    "status-shared": _status(shared="yes"),
    "status-asking": _status(
        stands="=web.stands.asking", danger=True, steps=(), range="", range_age=None,
        told=(Told("=web.worse.kept"),), can_cancel=False, code_word=False, watched=False,
    ),
    "status-live": _status(stands="=web.stands.live", live="Dana", talks=True, danger=True),
    "status-hidden": _status(talks=True, hidden=True, other_language="Deutsch"),
    "status-asked": _status(asks="check", range="", confirm_number=True),
    "status-fault": _status(
        told=(Told("=web.words.long"),), value="<script>alert(1)</script> typed",
    ),
    "status-ended": _status(
        stands="=web.stands.closed_kind", ended=True, can_cancel=False, code="", talks=True
    ),
    "status-erased": _status(
        stands="=web.stands.closed", ended=True, can_cancel=False, code="",
        deletion=("=web.delete.done", "=web.delete.sent"),
    ),
    "words": lambda say: (
        "words.html",
        {
            "view": status(say, stands=say("web.stands.live", name="Dana"), talk=_talk(say)),
            "known": "",
        },
    ),
    "words-known": lambda say: (
        "words.html", {"view": status(say, talk=_talk(say)), "known": status(say).mark}
    ),
    "locked": _bare("locked.html", code_word=False, fault=""),
    "locked-fault": lambda say: (
        "locked.html", {"code_word": True, "signed": "", "fault": say("web.locked.wrong")}
    ),
    "place-kept": _bare("place_kept.html", again="/place/x", words=False),
    "place-words": _bare("place_kept.html", again="/place/x", words=True),
    "open": _bare("open.html", action="/flow/open"),
    "open-no-cookies": _bare("open.html", action="/flow/open", cookies_off=True),
    "code": _with("code.html", lambda say: CodeView("", "k")),
    "code-fault": _with(
        "code.html", lambda say, fault: CodeView(fault, "k", "bcdfg hjkm", True), fault="=web.code.fault"
    ),
    "code-wait": lambda say: (
        "code.html", {"view": CodeView(say("web.code.wait", count="8"), "k", "bcdfg hjkmn")}
    ),
    "gone-link": _bare("gone.html", kind="link"),
    **{f"error-{kind}": _bare("error.html", kind=kind) for kind in ("lost", "long", "refused", "unsent")},
    "error-unsent-words": _bare(
        "error.html", kind="unsent_words", action="/flow/2", typed="he <b>took</b> the pills"
    ),
    "error-down": _bare(
        "error.html", kind="down", action="/flow/2", typed="he <b>took</b> the pills",
        kept=(("at", "k"),),
    ),
    "error-away": _bare("error.html", kind="away"),
    "question-draft": lambda say: (
        "question.html",
        {"view": question(say, "weapon"), "draft": {"code": ""}, "shared": "no", "deaf": True},
    ),
    "danger-deaf": lambda say: ("danger.html", {"view": danger(say, aid=""), "deaf": True}),
    "status-deaf": lambda say: (
        "status.html",
        {"view": status(say, danger=True, steps=(), range=""), "deaf": True},
    ),
    "out": _bare("out.html", exit_to="https://www.weather.gov/"),
}  # fmt: skip
