"""Signing in: name and password, then a code; or a one-time link.

A wrong name and a wrong password get the same response, after the same work. Guessing is slowed
down, but a right password is never locked out for good.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Response, current_app, g, request, url_for

from caller_service.casework import accounts
from caller_service.casework.accounts import SignedIn, SignInClient
from caller_service.casework.passwords import Busy
from caller_service.core.failure_pace import Pace
from caller_service.core.staff_session import TRIES, StaffSession, Stage
from caller_service.store.people import name_key
from caller_service.web.shared.failure_limit import TOKENS, Attempt, failure_limit, source
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.refusals import refused
from caller_service.web.shared.see_other import see_other

from .cookies import FORM, SESSION, give, know, known_browser, take_back
from .session_guard import STEPS, back_to, before_sign_in, page

console_sign_in = guarded("console_sign_in", before_sign_in, "/console")
# for what people type: after five failures ever slower, down to one a minute. No slower: somebody
# who mistypes at night is needed at work
TYPED = Pace(free=5, pause=6.0, growth=2.0, most=60.0, forgiven=120.0)
LONGEST = 200  # characters of a name that is looked up

WRONG = "That name and password do not go together."
WRONG_CODE = "That code does not count. Use the newest one; each counts once."
BUSY = "Many people sign in at this moment. Try again in a few seconds."


@console_sign_in.get("/sign-in")
def sign_in() -> Response:
    return page("sign_in.html", title="Sign in", then="")


@console_sign_in.post("/sign-in")
def sign_in_with_password() -> Response:
    name = request.form.get("name", "")[:LONGEST]
    password, then = request.form.get("password", ""), request.form.get("then", "")
    trying = _attempt("sign_in", name)
    if trying.wait:
        return _slowed("sign_in.html", trying, title="Sign in", then=then, name=name)
    live = current_app.extensions["caller_settings"].live
    try:
        done = accounts.sign_in(parts(), name, password, sign_in_client(), live)
    except Busy:
        trying.succeeded()  # no secret was checked
        return _busy("sign_in.html", title="Sign in", then=then, name=name)
    if done is None:
        trying.failed()
        refused(request.endpoint or "", "password")
        return page("sign_in.html", 403, title="Sign in", then=then, name=name, fault=WRONG)
    trying.succeeded()
    return go_in(done, then)


@console_sign_in.get("/code")
def code() -> Response:
    if (half := _half()) is None:
        return page("sign_in.html", 401, title="Sign in", then="")
    return page("code.html", title="Your code", then=request.args.get("then", ""), half=half)


@console_sign_in.post("/code")
def sign_in_with_code() -> Response:
    half, then = _half(), request.form.get("then", "")
    if half is None:
        return page("sign_in.html", 401, title="Sign in", then=then)
    trying = _attempt("code", half.name, half.person_id)
    if trying.wait:
        return _slowed("code.html", trying, title="Your code", then=then, half=half)
    done = accounts.prove_code(parts(), half, request.form.get("code", "")[:LONGEST])
    if done is not None:
        trying.succeeded()
        return go_in(done, then)
    trying.failed()
    refused(request.endpoint or "", "code")
    if half.failures + 1 >= TRIES:
        accounts.give_up_codes(parts(), half)
        g.staff_session = None
        words = "Too many codes were wrong. Begin again with your password."
        return page("sign_in.html", 403, title="Sign in", then=then, fault=words)
    return page("code.html", 403, title="Your code", then=then, half=half, fault=WRONG_CODE)


@console_sign_in.get("/first/<secret>")
def first(secret: str) -> Response:
    """A button and nothing else, so that a mail program that follows links does not consume
    them."""
    opens = accounts.link_opens(parts(), secret)
    return page("first.html", 200 if opens else 403, title="Your account", opens=opens)


@console_sign_in.post("/first/<secret>")
def begin(secret: str) -> Response:
    done = accounts.begin_by_link(parts(), secret, sign_in_client())
    if done is None:
        refused(request.endpoint or "", "link")
        return page("first.html", 403, title="Your account", opens=False)
    return go_in(done, "")


def _half() -> StaffSession | None:
    """The session of somebody whose password was right and who has not given a code yet."""
    session: StaffSession | None = g.staff_session
    return session if session is not None and session.stage == Stage.CODE else None


def go_in(done: SignedIn, then: str) -> Response:
    """On to the next step of signing in, or to the console, with a new cookie. A session that this
    browser had before is ended."""
    before: StaffSession | None = g.staff_session
    if before is not None and before.id != done.session.id:
        accounts.sign_out(parts(), before)
    g.staff_session = done.session
    stage = Stage(done.session.stage)
    if stage == Stage.CODE:
        way = url_for(STEPS[stage], then=then) if then else url_for(STEPS[stage])
    else:
        way = back_to(then) if stage == Stage.OPEN else url_for(STEPS[stage])
    answer = see_other(way)
    give(answer, SESSION, done.secret)
    take_back(answer, FORM)
    if stage == Stage.OPEN:
        know(answer, done.session.person_id)
    return answer


def sign_in_client() -> SignInClient:
    """The source of this request."""
    index = parts().sealer.index(_source())
    return SignInClient(index, browser_of(request.headers.get("User-Agent", "")))


def _source() -> str:
    return f"source {source(request.remote_addr)}"


def browser_of(agent: str) -> str:
    """Browser and operating system by their common names, for the list of sessions. No more of the
    User-Agent is stored."""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
        ("Mac OS X", "a Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    )  # fmt: skip
    browser = next((name for sign, name in browsers if sign in agent), "A browser")
    system = next((name for sign, name in systems if sign in agent), "")
    return f"{browser} on {system}" if system else browser


def _attempt(purpose: str, name: str, password_known: str = "") -> Attempt:
    """One attempt at somebody's account. It is counted under the first of these that applies: a
    browser with which they signed in lately, shown by a cookie; the address, if they signed in from
    there lately; else the address and the account. So guesses from elsewhere never slow down the
    only dispatcher, and a thousand addresses do not get a thousand times the attempts.
    `password_known`: the person whose password was right; as a code is easy to guess, codes from
    unknown places are counted together and strictly."""
    limit, person_id = failure_limit(), accounts.person_id_of(parts(), name)
    if person_id and (browser := known_browser(person_id)):
        return limit.attempt(purpose, f"browser {browser}", pace=TOKENS)
    if person_id and accounts.known_from(parts(), person_id, parts().sealer.indexes(_source())):
        return limit.attempt(purpose, _source(), pace=TYPED)
    if password_known:
        return limit.attempt(purpose, f"person {password_known}", pace=TYPED)
    return limit.attempt(purpose, _source(), account=name_key(name), pace=TYPED)


def _slowed(template: str, trying: Attempt, **more: object) -> Response:
    refused(request.endpoint or "", "slowed down")
    wait = timedelta(seconds=trying.wait)
    words = f"Too many tries were wrong. Wait {wait.seconds} seconds, then try again."
    answer = page(template, 429, fault=words, **more)
    answer.headers["Retry-After"] = str(wait.seconds)
    return answer


def _busy(template: str, **more: object) -> Response:
    refused(request.endpoint or "", "busy")
    answer = page(template, 503, fault=BUSY, **more)
    answer.headers["Retry-After"] = "3"
    return answer
