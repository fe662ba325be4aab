"""API requests: one rule for all text from staff, in every field of every route; and whatever
cannot be read is refused with a code, as problem+json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from caller_service.web.dispatch import api, eido, phone
from caller_service.web.shared.staff_words import Reason, StaffWords, Whole, YesNo

if TYPE_CHECKING:
    from conftest import House

SCHEMAS: dict[str, type[Schema]] = {
    name: one
    for module in (api, eido, phone)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, Schema) and one is not Schema
}
UNPRINTABLE = (
    "a\x00b", "a\x07b", "\x1b[2Jx", "a\x7fb", "a\u0085b", "half \ud800", "\udfff half", "a\u2028b",
    "a\u202eb", "a\u2066b", "a\ue000b", "a\U000e0fffb", "a\uffffb",
)  # fmt: skip
BLANK = ("", "   ", "\n\t ", "\u200b", "\u00a0\u2003", "\u3164", "\u2800", "\ufeff", "\u0301")
DASHES = ("-", "—", "...", "?!", "👍")  # no reason
NO_WORDS = (None, 5, True, [], {}, ["x"], 1.5)


def operations(house: House) -> list[tuple[str, str]]:
    """Each route of the API that takes a body: its path, with the hand-off left open, and the name
    of its schema."""
    paths = house.client.get("/api/v1/openapi.json").get_json()["paths"]
    return [
        (path, told["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
        for path, told in paths.items()
        if "post" in told
    ]  # fmt: skip


def sound(schema: type[Schema]) -> dict[str, Any]:
    """A valid body, with every text field."""
    body: dict[str, Any] = {}
    for name, one in schema().fields.items():
        choices = [each for each in one.validators if isinstance(each, validate.OneOf)]
        if isinstance(one, StaffWords):
            body[name] = "Maria"
        elif one.required and choices:
            body[name] = next(each for each in choices[0].choices if each)
    return body


@pytest.mark.slow
def test_every_field_of_every_route_that_takes_words_follows_the_rule(house: House) -> None:
    case_id = house.resident().texts("0").case().id
    before = house.rows("journal")
    looked = operations(house)
    assert {name for _, name in looked} == SCHEMAS.keys() - {"Listing", "Ending"}
    for path, name in looked:
        for field, one in SCHEMAS[name]().fields.items():
            if isinstance(one, StaffWords):
                wrong = [*UNPRINTABLE, *NO_WORDS[1:], "x" * (one.validators[0].max + 1)]  # type: ignore[attr-defined]
                wrong += BLANK if one.required else ()
                wrong += DASHES if one.required and isinstance(one, Reason) else ()
                wrong += ["a\nb", "a\tb"] if one._line else []
            elif isinstance(one, Whole):
                wrong = ["5", "x", 1.5, True, None, -1, 10**9, []]
            elif isinstance(one, YesNo):
                wrong = ["true", 1, 0, None, []]
            else:  # a code, a status, a clock
                wrong = [*NO_WORDS, *UNPRINTABLE, "no such", "18:40\n", "\u0661\u0668:40"]
            for value in wrong:
                answer = house.client.post(
                    path.replace("{hand_off_id}", case_id),
                    data=json.dumps(sound(SCHEMAS[name]) | {field: value}),
                    headers={"Authorization": f"Bearer {house.token}", "Content-Type": "application/json"},
                )  # fmt: skip
                told = answer.get_json()
                assert answer.status_code == 422, (path, field, value, told)
                assert told["code"] == "invalid" and field in told["errors"]["json"]
                assert "errors names the field" in told["detail"]
    assert house.rows("journal") == before


def test_no_field_takes_words_by_another_rule() -> None:
    """A field that is added later must be a StaffWords, an enumeration, or a time, and must not
    allow None."""
    for name, schema in SCHEMAS.items():
        for field, one in schema().fields.items():
            if name == "Listing":  # of a query
                continue
            if type(one) is fields.Str:
                assert any(isinstance(v, (validate.OneOf, validate.Regexp)) for v in one.validators), (
                    name, field,
                )  # fmt: skip
            else:
                assert type(one) in (StaffWords, Reason, Whole, YesNo), (name, field)
            assert not one.allow_none, (name, field)


@pytest.mark.parametrize(
    "said", ["  Maria  ", "José Núñez", "李 小龙", "O'Neil-Smith 👩🏽\u200d⚕️", "مريم"]
)
def test_names_of_people_are_taken_and_trimmed(house: House, said: str) -> None:
    me = house.resident().wants_a_team()
    path = f"/{me.case().id}/acknowledgement"
    assert house.dispatch(path, {"answer": "accept", "by": said}).status_code == 200
    assert me.case().state["accepted_by"] == said.strip()


# ---- URLs and bodies that cannot be read ---------------------------------------------------------

DEEP = "[" * 30_000 + "]" * 30_000
NOTE = '{"by": "M", "words": "hi"}'


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (DEEP, "application/json", 400, "unreadable"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "application/json", 400, "unreadable"),
        ('{"by": "M", "words": "half', "application/json", 400, "unreadable"),
        ('{"by": "M", "words": NaN}', "application/json", 400, "unreadable"),
        ('{"by": "M", "words": -Infinity}', "application/json", 400, "unreadable"),
        ('{"by": "M", "by": "N", "words": "hi"}', "application/json", 400, "unreadable"),
        ("\ufeff" + NOTE, "application/json", 400, "unreadable"),
        ('{"by": "M", "words": "' + "x" * 70_000 + '"}', "application/json", 413, "too_long"),
        (NOTE, "text/plain", 415, "not_json"),
        (NOTE, "", 415, "not_json"),
        ("by=M&words=hi", "application/x-www-form-urlencoded", 415, "not_json"),
        ("", "application/json", 422, "invalid"),
        ("null", "application/json", 422, "invalid"),
        ("[]", "application/json", 422, "invalid"),
        ('"words"', "application/json", 422, "invalid"),
        ('{"by": "M", "words": "hi", "color": 1}', "application/json", 422, "invalid"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_taken_has_its_status_and_code(
    house: House, body: str, content_type: str, status: int, code: str
) -> None:
    me = house.resident().texts("0")
    answer = house.client.post(
        f"/api/v1/hand-offs/{me.case().id}/notes",
        data=body.encode(),
        headers={"Authorization": f"Bearer {house.token}"},
        content_type=content_type,
    )
    assert answer.content_type == "application/problem+json"
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert "color" not in answer.text
    assert code != "unreadable" or "not JSON" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/hand-offs/%00", 400, "unreadable"),
        ("GET", "/api/v1/hand-offs?after=%00", 400, "unreadable"),
        ("GET", "/api/v1/hand-offs?after=%ff", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?after=K7M4Q2", 422, "invalid"),
        ("GET", f"/api/v1/hand-offs?after={'-' * 36}", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?opn=false", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?OPEN=false", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?limit=1&limit=2", 422, "invalid"),
        ("GET", "/api/v1/hand-offs/%ff%fe", 404, "not_found"),
        ("GET", "/api/v1/hand-offs?limit=1e3", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?limit=99999999999999999999", 422, "invalid"),
        ("GET", "/api/v1/hand-offs?open=perhaps", 422, "invalid"),
        ("GET", "/EIDO/%00", 400, "unreadable"),
        ("GET", "/hand-offs/%00/x", 400, None),
        ("GET", "/nothing/%00", 400, None),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/hand-offs", 405, "method_not_allowed"),
    ],
)
def test_an_address_that_cannot_be_taken_has_its_status_and_code(
    house: House, method: str, path: str, status: int, code: str | None
) -> None:
    answer = house.client.open(
        path, method=method, headers={"Authorization": f"Bearer {house.token}"}
    )
    assert answer.status_code == status, answer.text
    assert (answer.get_json(silent=True) or {}).get("code") == code
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize("name", ["Maria\u200b", "Mar\u00adia", "\u2060Maria", "Maria\U000e0041"])
def test_a_name_holds_nothing_unseen_and_has_one_spelling(name: str) -> None:
    field = StaffWords(80, line=True)
    with pytest.raises(ValidationError):
        field.deserialize(name)
    assert field.deserialize("Jose\u0301") == field.deserialize("Jos\u00e9")
    assert field.deserialize("क्\u200dष") == "क्\u200dष", "a joiner that some scripts need"


def test_a_parameter_that_a_route_does_not_have_is_refused_and_nothing_is_done(
    house: House,
) -> None:
    """Somebody who adds `dry_run`, or mistypes `open`, must not get the real thing or another
    list."""
    case_id = house.resident().wants_a_team().case().id
    before = house.rows("journal")
    paths = house.client.get("/api/v1/openapi.json").get_json()["paths"]
    told = {"Authorization": f"Bearer {house.token}"}
    for path, methods in paths.items():
        for method in methods.keys() & {"get", "post"}:
            answer = house.client.open(
                path.replace("{hand_off_id}", case_id) + "?Marcie=17205550123",
                method=method.upper(), json={} if method == "post" else None, headers=told,
            )  # fmt: skip
            body = answer.get_json()
            assert (answer.status_code, body["code"]) == (422, "invalid"), (path, method)
            assert body["errors"]["query"]["unknown"]
            assert "Marcie" not in answer.text and "7205550123" not in answer.text
    assert house.rows("journal") == before
    listed = house.client.get("/api/v1/hand-offs?limit=x&opn=true", headers=told).get_json()
    assert "after, limit, open, test" in listed["errors"]["query"]["unknown"][0]
