"""The headers of every response to a browser, and what it must never store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import signed
from test_printable_page import Reader

import caller_service
from caller_service.store.database.group_commit import DirectWriter
from caller_service.web.shared.problem import HEADERS

if TYPE_CHECKING:
    from conftest import House

STATIC = Path(caller_service.__file__).parent / "web" / "static"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")
ORIGIN = {"Origin": "https://evil.test", "Cookie": "session=x; other=y"}
TEXT = re.compile(r"text/.*|.*\+xml|.*/xml")  # the types that need a charset


def refused_everywhere(house: House) -> dict[str, Any]:
    """Every URL by every method, requested without a key by another site's page."""
    return {
        f"{method} {path}": house.client.open(path, method=method, headers=ORIGIN)
        for rule in house.app.url_map.iter_rules()
        for path in (re.sub(r"<[^>]+>", "x", str(rule)),)
        for method in METHODS
    }


def well_answered(house: House) -> dict[str, Any]:
    """The same URLs, used with the key."""
    clinic = Reader(house)
    case = house.resident().wants_a_team().case().id
    key = {"Authorization": f"Bearer {house.token}"} | ORIGIN
    metrics = {"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    found = {
        path: house.client.get(path, headers=key)
        for path in (
            "/", "/police", "/health/live", "/health/ready", "/api/v1/openapi.json",
            "/api/v1/hand_off.v1.schema.json", "/api/v1/hand-offs", f"/api/v1/hand-offs/{case}",
            f"/api/v1/hand-offs/{case}/messages", f"/EIDO/{case}",
            *(f"/static/{path.name}" for path in STATIC.iterdir()),
        )
    }  # fmt: skip
    found["metrics"] = house.client.get("/metrics", headers=metrics)
    found["list"], found["sheet"] = clinic.looks(), clinic.looks(case)
    found["status"] = house.dispatch(f"/{case}/status", {"status": "assigned", "by": "Maria"})
    found["receipt"] = signed(house, "/twilio/receipts/message?id=nobody", {})
    found["text"] = signed(house, "/twilio/sms", {"MessageSid": "SM" + "a" * 32, "Body": "hi"})
    found["call"] = signed(house, "/twilio/voice", {"CallSid": "CA1"})
    assert {answer.status_code for answer in found.values()} <= {200, 204}
    return found


def badly_asked(house: House) -> dict[str, Any]:
    """The responses to malformed requests, and after internal errors."""
    clinic, case = Reader(house), house.resident("+17205550124").wants_a_team().case().id
    key = {"Authorization": f"Bearer {house.token}", "Content-Type": "application/json"}
    path = f"/api/v1/hand-offs/{case}/status"
    found = {
        "404": house.client.get("/nothing"),
        "404 api": house.client.get("/api/v1/nothing"),
        "400": house.client.post(path, data="{", headers=key),
        "413": house.client.post(path, data=" " * 70_000, headers=key),
        "422": house.client.post(path, data="{}", headers=key),
        "no text": signed(house, "/twilio/sms", {"Body": "hi"}),
        "guess": clinic.looks(case, **{"Sec-Purpose": "prefetch"}),
        "large form": house.client.post("/twilio/sms", data={"Body": "x" * 1_100_000}),
    }

    class Broken:
        def connect(self) -> None:
            raise RuntimeError("broken")

        begin = connect

    house.change(engine=Broken(), writer=DirectWriter(Broken()))
    found["503 api"] = house.client.get("/api/v1/hand-offs", headers=key)
    found["503 page"] = clinic.looks()
    found["fallback"] = house.resident("+17205550125").posts("help")
    assert {400, 404, 413, 422, 503} <= {answer.status_code for answer in found.values()}
    return found


@pytest.mark.parametrize("asked", [refused_everywhere, well_answered, badly_asked])
def test_every_answer_keeps_itself_private_and_sets_no_cookie(house: House, asked: Any) -> None:
    for what, answer in asked(house).items():
        told = answer.headers
        wanted = dict(HEADERS)
        if what.partition(" ")[2].startswith("/static/") or what.startswith("/static/"):
            wanted["Cache-Control"] = told["Cache-Control"]  # the same for everybody
        assert {name: told.getlist(name) for name in wanted} == {
            name: [value] for name, value in wanted.items()
        }, what
        assert not [name for name, _ in told if name.startswith("Access-Control-")], what
        for cookie in told.getlist("Set-Cookie"):  # of a form: until the browser closes
            path = what.partition(" ")[2]
            forms = ("/request", "/code", "/s/", "/out", "/r/", "/console/")
            assert path.startswith(forms), what
            gone = "Expires=Thu, 01 Jan 1970" in cookie  # Exit deletes them
            assert cookie.startswith("__Host-") and (gone or "Expires" not in cookie), what
            assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie, what
        assert "Server" not in told, what
        kind, _, charset = told.get("Content-Type", "").partition(";")
        assert not TEXT.fullmatch(kind) or "charset=utf-8" in charset.lower(), what
        assert b"evil.test" not in answer.data, what
        answer.close()


def test_the_policy_lets_a_page_load_its_own_files_and_nothing_else() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )

    assert set(policy.values()) == {"'none'", "'self'"}
    assert {name for name, who in policy.items() if who == "'none'"} == {
        "default-src", "object-src", "base-uri", "frame-ancestors",
    }  # fmt: skip
    assert int(HEADERS["Strict-Transport-Security"].split(";")[0].split("=")[1]) >= 31_536_000
    assert HEADERS["Strict-Transport-Security"].endswith("includeSubDomains")


def test_no_door_takes_a_method_that_nobody_needs(house: House) -> None:
    """TRACE would send a request back with its secrets."""
    secret = {"Authorization": "Bearer s3cr3t-of-somebody", "X-Twilio-Signature": "s1gn3d"}
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<int:[^>]+>", "1", str(rule))
        path = re.sub(r"<[^>]+>", "x", path)
        for method in ("TRACE", "CONNECT", "PUT", "PATCH", "DELETE"):
            answer = house.client.open(path, method=method, headers=secret)
            assert answer.status_code == 405, f"{method} {path}"
            assert "s3cr3t" not in answer.text and "s1gn3d" not in answer.text


def test_no_folder_is_listed_and_no_file_beside_the_static_ones_is_served(house: House) -> None:
    for path in (
        "/static/", "/static", "/.git/config", "/static/.git/config", "/static/../app.py",
        "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/pyproject.toml",
    ):  # fmt: skip
        answer = house.client.get(path, base_url="https://house.test", follow_redirects=True)
        assert answer.status_code == 404, path


@pytest.mark.parametrize("path", ["/hand-offs/clinic", "//police", "/hand-offs//clinic/x"])
def test_a_redirect_leads_to_the_public_url_alone(house: House, path: str) -> None:
    liar = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http"}
    answer = house.client.get(path, headers=liar)

    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://house.test/")
    assert "evil" not in answer.text


def test_no_variable_of_the_machine_turns_debugging_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    settings = house.app.extensions["caller_settings"]
    app = caller_service.create_app(settings)
    app.extensions["caller_parts"].engine.dispose()

    assert not app.debug


def test_our_scripts_keep_nothing_in_the_browser_and_make_no_markup_of_words() -> None:
    """We store nothing that a person typed or read on a shared computer."""
    scripts = list(STATIC.glob("*.js"))
    forbidden = (
        "localStorage", "sessionStorage", "indexedDB", "caches", "cookie", "innerHTML", "outerHTML",
        "insertAdjacentHTML", "document.write", "eval", "Function(", "postMessage", "fetch(",
        "__proto__", "prototype",
    )  # fmt: skip
    assert scripts
    for script in scripts:
        found = [word for word in forbidden if word in script.read_text()]
        # a timer in a worker: its messages are empty
        assert found == (["postMessage"] if script.name == "tick.js" else []), script.name
    # these request only our own pages: the policy's connect-src
    asking = {script.name for script in scripts if "XMLHttpRequest" in script.read_text()}
    assert asking == {"send.js", "live.js", "desk.js", "draft.js"}
    pages = list((STATIC.parent / "templates").rglob("*.html"))
    for page in pages:
        text = page.read_text()
        assert not re.search(
            r"<script(?! src=\"{{ static_url\()|\son[a-z]+=|\sstyle=|\|\s*safe", text
        )
        for outside in re.findall(r"(?:src|href)=\"(https?:[^\"]*)\"[^>]*", text):
            assert f'href="{outside}" rel="noreferrer"' in text, page.name
    assert pages
