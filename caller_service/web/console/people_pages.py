"""One's own account, the lock screen and, for administrators, the accounts of staff.

A POST is answered with a redirect, except where something is shown once: recovery codes and
one-time links.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request, url_for
from markupsafe import Markup

from caller_service.casework import accounts, second_factor
from caller_service.casework.accounts import Refused, SignedIn
from caller_service.casework.passwords import PIN_DIGITS, SHORTEST, Busy
from caller_service.core.roles import Act, Role, must_have_second_factor
from caller_service.core.staff_session import Stage
from caller_service.store.people import Person
from caller_service.web.shared.failure_limit import Attempt, failure_limit
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.refusals import refused
from caller_service.web.shared.see_other import see_other

from .cookies import SESSION, give, take_back
from .session_guard import back_to, console_only, may, me, page
from .shift import before_signing_out
from .sign_in import BUSY, TYPED, WRONG_CODE, go_in

people_pages = guarded("people", console_only, "/console")
NOT_RIGHT = "That is not right."


def _to(endpoint: str, done: SignedIn | None = None, **values: Any) -> Response:
    answer = see_other(url_for(endpoint, **values))
    if done is not None:
        give(answer, SESSION, done.secret)
    return answer


# ---- one's own account ---------------------------------------------------------------------------
@people_pages.get("/account")
@may(Act.ACCOUNT)
def account() -> Response:
    return page(
        "account.html",
        title="Your account",
        sessions=accounts.sessions_of(parts(), me().person_id),
        codes_left=accounts.recovery_codes_left(parts(), me()),
        must=must_have_second_factor(me().role),
    )


@people_pages.post("/account/looks")
@may(Act.ACCOUNT)
def looks() -> Response:
    try:
        accounts.set_looks(
            parts(), me(), request.form.get("theme", ""), request.form.get("single_keys") == "on"
        )
    except Refused as problem:
        return page("fault.html", 422, title="Please check", fault=problem.words)
    return _to("people.account")


@people_pages.get("/account/password")
@may(Act.ACCOUNT, stages=(Stage.PASSWORD,))
def password() -> Response:
    return _password_page()


def _password_page(fault: str = "", status: int = 200) -> Response:
    return page("password.html", status, title="Password", fault=fault, fewest=SHORTEST)


@people_pages.post("/account/password")
@may(Act.ACCOUNT, stages=(Stage.PASSWORD,))
def set_password() -> Response:
    new = request.form.get("password", "")
    old = None if me().stage == Stage.PASSWORD else request.form.get("old_password", "")
    trying = _attempt("password")
    if trying.wait:
        return _slowed(_password_page, trying.wait)
    if new != request.form.get("password_again", ""):
        trying.succeeded()
        return _password_page("The two new passwords are not the same.", 422)
    try:
        done = accounts.set_password(parts(), me(), new, old)
    except Refused as problem:
        if old is not None:
            trying.failed()
        return _password_page(problem.words, 422)
    except Busy:
        return _password_page(BUSY, 503)
    trying.succeeded()
    return go_in(done, "") if old is None else _to("people.account", done)


@people_pages.get("/account/codes")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.TOTP,))
def totp() -> Response:
    return _totp_page()


def _totp_page(fault: str = "", status: int = 200) -> Response:
    secret = accounts.new_totp(parts(), me())
    shown = {}
    if secret is not None:
        address = second_factor.address(secret, me().name, parts().program.name)
        # safe: an SVG that segno made from letters and digits
        shown = {
            "picture": Markup(second_factor.picture(address)),
            "secret": second_factor.grouped(secret),
        }
    must = must_have_second_factor(me().role)
    return page("totp.html", status, title="Codes", fault=fault, must=must, **shown)


@people_pages.post("/account/codes")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.TOTP,))
def set_totp() -> Response:
    asked = request.form.get("do", "confirm")
    if asked == "begin":
        accounts.begin_totp(parts(), me())
        return _to("people.totp")
    if asked == "skip":
        done = accounts.go_on(parts(), me()) if me().stage == Stage.TOTP else None
        return _to("people.totp") if done is None else go_in(done, "")
    if asked == "remove":
        try:
            accounts.remove_totp(parts(), me())
        except Refused as problem:
            return _totp_page(problem.words, 422)
        return _to("people.account")
    trying = _attempt("new_code")
    if trying.wait:
        return _slowed(_totp_page, trying.wait)
    if not accounts.confirm_totp(parts(), me(), request.form.get("code", "")[:20]):
        trying.failed()
        return _totp_page(WRONG_CODE, 422)
    trying.succeeded()
    return _to("people.recovery")


@people_pages.get("/account/recovery")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.RECOVERY,))
def recovery() -> Response:
    left = accounts.recovery_codes_left(parts(), me())
    return page("recovery.html", title="Recovery codes", left=left, codes=())


@people_pages.post("/account/recovery")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.RECOVERY,))
def make_recovery() -> Response:
    if request.form.get("do") == "go_on" and me().stage == Stage.RECOVERY:
        done = accounts.go_on(parts(), me())
        return _to("people.recovery") if done is None else go_in(done, "")
    try:
        codes = accounts.make_recovery_codes(parts(), me())
    except Refused as problem:
        return page("fault.html", 422, title="Please check", fault=problem.words)
    return page("recovery.html", title="Recovery codes", left=len(codes), codes=codes)


@people_pages.get("/account/pin")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.PIN,))
def pin() -> Response:
    return _pin_page()


def _pin_page(fault: str = "", status: int = 200) -> Response:
    return page("pin.html", status, title="PIN", fault=fault, digits=PIN_DIGITS)


@people_pages.post("/account/pin")
@may(Act.ACCOUNT, step_up=True, stages=(Stage.PIN,))
def set_pin() -> Response:
    try:
        if request.form.get("do") != "skip":
            accounts.set_pin(parts(), me(), request.form.get("pin", ""))
    except Refused as problem:
        return _pin_page(problem.words, 422)
    except Busy:
        return _pin_page(BUSY, 503)
    if me().stage != Stage.PIN:
        return _to("people.account")
    done = accounts.go_on(parts(), me())
    return _to("people.pin") if done is None else go_in(done, "")


@people_pages.post("/account/sessions/<session_id>/end")
@may(Act.ACCOUNT, step_up=True)
def end_own_session(session_id: str) -> Response:
    accounts.end_session(parts(), me().name, me().person_id, session_id)
    return _to("people.account")


@people_pages.post("/account/sessions/end-others")
@may(Act.ACCOUNT, step_up=True)
def end_other_sessions() -> Response:
    accounts.end_sessions(parts(), me().name, me().person_id, me().id)
    return _to("people.account")


# ---- signing out, locking, stepping up -----------------------------------------------------------
@people_pages.post("/sign-out")
@may(Act.ACCOUNT, while_locked=True, stages=tuple(Stage))
def sign_out() -> Response:
    if me().stage == Stage.OPEN and (answer := before_signing_out()) is not None:
        return answer
    accounts.sign_out(parts(), me())
    answer = _to("console_sign_in.sign_in")
    take_back(answer, SESSION)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@people_pages.post("/lock")
@may(Act.ACCOUNT, while_locked=True)
def lock() -> Response:
    accounts.lock(parts(), me())
    return _to("people.unlock")


@people_pages.get("/unlock")
@may(Act.ACCOUNT, while_locked=True)
def unlock() -> Response:
    return _unlock_page(request.args.get("next", ""))


def _unlock_page(then: str, fault: str = "", status: int = 200) -> Response:
    return page("unlock.html", status, title="Locked", then=then, fault=fault)


@people_pages.post("/unlock")
@may(Act.ACCOUNT, while_locked=True)
def unlock_now() -> Response:
    then = request.form.get("then", "")
    trying = _attempt("unlock")
    if trying.wait:
        return _slowed(lambda fault, status: _unlock_page(then, fault, status), trying.wait)
    try:
        right = accounts.unlock(parts(), me(), request.form.get("password", ""))
    except Busy:
        return _unlock_page(then, BUSY, 503)
    if not right:
        trying.failed()
        refused(request.endpoint or "", "unlock")
        return _unlock_page(then, NOT_RIGHT, 403)
    trying.succeeded()
    return see_other(back_to(then))


@people_pages.get("/step-up")
@may(Act.ACCOUNT)
def step_up() -> Response:
    return _step_up_page(request.args.get("next", ""))


def _step_up_page(then: str, fault: str = "", status: int = 200) -> Response:
    return page("step_up.html", status, title="Say who you are", then=then, fault=fault)


@people_pages.post("/step-up")
@may(Act.ACCOUNT)
def step_up_now() -> Response:
    then = request.form.get("then", "")
    trying = _attempt("step_up")
    if trying.wait:
        return _slowed(lambda fault, status: _step_up_page(then, fault, status), trying.wait)
    secrets = request.form.get("password", ""), request.form.get("code", "")[:40]
    try:
        done = accounts.step_up(parts(), me(), *secrets)
    except Busy:
        return _step_up_page(then, BUSY, 503)
    if done is None:
        trying.failed()
        refused(request.endpoint or "", "step-up")
        return _step_up_page(then, NOT_RIGHT, 403)
    trying.succeeded()
    answer = see_other(back_to(then))
    give(answer, SESSION, done.secret)
    return answer


def _attempt(purpose: str) -> Attempt:
    """One attempt within this session, which is not slowed by anybody else's attempts."""
    return failure_limit().attempt(purpose, f"session {me().id}", pace=TYPED)


def _slowed(shown: Callable[[str, int], Response], wait: int) -> Response:
    """The same page, with how long to wait."""
    refused(request.endpoint or "", "slowed down")
    answer = shown(f"Too many tries were wrong. Wait {wait} seconds.", 429)
    answer.headers["Retry-After"] = str(wait)
    return answer


# ---- accounts of staff ---------------------------------------------------------------------------
@people_pages.get("/people")
@may(Act.MANAGE_PEOPLE)
def people() -> Response:
    return _people_page()


def _people_page(status: int = 200, **more: str) -> Response:
    return page(
        "people.html", status, title="People", people=accounts.everybody(parts()), roles=list(Role),
        **more,
    )  # fmt: skip


@people_pages.post("/people")
@may(Act.MANAGE_PEOPLE)
def add() -> Response:
    name, role = " ".join(request.form.get("name", "").split()), request.form.get("role", "")
    try:
        secret = accounts.add_person(parts(), me().name, name, _role(role))
    except Refused as problem:
        return _people_page(422, fault=problem.words, name=name[:40], role=role)
    return _link_page(name, secret)


def _link_page(name: str, secret: str) -> Response:
    link = f"{parts().public_url}/console/first/{secret}"
    return page("link.html", title="One-time link", name=name, link=link)


@people_pages.get("/people/<person_id>")
@may(Act.MANAGE_PEOPLE)
def person(person_id: str) -> Response:
    return _person_page(person_id)


def _person_page(person_id: str, status: int = 200, fault: str = "") -> Response:
    whose = accounts.find(parts(), person_id)
    if whose is None:
        return page("fault.html", 404, title="Nobody", fault="There is nobody of this name.")
    sessions = accounts.sessions_of(parts(), person_id)
    return page(
        "person.html", status, title=whose.name, whose=whose, sessions=sessions, roles=list(Role),
        fault=fault,
    )  # fmt: skip


@people_pages.post("/people/<person_id>/role")
@may(Act.MANAGE_PEOPLE)
def change_role(person_id: str) -> Response:
    return _changed(
        person_id,
        lambda: accounts.change_role(
            parts(), me().name, person_id, _role(request.form.get("role", ""))
        ),
    )


@people_pages.post("/people/<person_id>/disable")
@may(Act.MANAGE_PEOPLE)
def disable(person_id: str) -> Response:
    return _changed(person_id, lambda: accounts.disable(parts(), me().name, person_id))


@people_pages.post("/people/<person_id>/enable")
@may(Act.MANAGE_PEOPLE)
def enable(person_id: str) -> Response:
    return _changed(person_id, lambda: accounts.enable(parts(), me().name, person_id))


@people_pages.post("/people/<person_id>/reset")
@may(Act.MANAGE_PEOPLE)
def reset(person_id: str) -> Response:
    try:
        secret = accounts.reset(parts(), me().name, person_id)
    except Refused as problem:
        return _person_page(person_id, 422, problem.words)
    whose: Person | None = accounts.find(parts(), person_id)
    return _link_page(whose.name if whose else "", secret)


@people_pages.post("/people/<person_id>/sessions/end")
@may(Act.MANAGE_SESSIONS)
def end_sessions(person_id: str) -> Response:
    accounts.end_sessions(parts(), me().name, person_id)
    return _to("people.person", person_id=person_id)


@people_pages.post("/people/<person_id>/sessions/<session_id>/end")
@may(Act.MANAGE_SESSIONS)
def end_session(person_id: str, session_id: str) -> Response:
    accounts.end_session(parts(), me().name, person_id, session_id)
    return _to("people.person", person_id=person_id)


def _changed(person_id: str, change: Callable[[], None]) -> Response:
    try:
        change()
    except Refused as problem:
        return _person_page(person_id, 422, problem.words)
    return _to("people.person", person_id=person_id)


def _role(told: str) -> Role:
    try:
        return Role(told)
    except ValueError:
        raise Refused("Choose a role.") from None
