"""The OpenAPI document is correct: a client made from it alone can use the service, and every
response is one that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from caller_service.core.access import SCOPES
from caller_service.web.dispatch.api import REFUSALS

if TYPE_CHECKING:
    from conftest import House

STATUSES = {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503}


class Client:
    """A client made from the document alone: operations by path, bodies by schema, responses by
    status."""

    def __init__(self, house: House, token: str) -> None:
        self.house, self.token = house, token
        self.doc = house.client.get("/api/v1/openapi.json").get_json()

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.doc["paths"].items():
            for method in item.keys() & {"get", "post"}:
                yield path, method, item[method]

    def validator(self, schema: dict[str, Any]) -> Any:
        return jsonschema.Draft202012Validator(
            {"components": self.doc["components"], "allOf": [schema]}
        )

    def body_schema(self, path: str) -> dict[str, Any]:
        told = self.doc["paths"][path]["post"]["requestBody"]["content"]
        return dict(told["application/json"]["schema"])

    def body(self, path: str) -> dict[str, Any]:
        """The smallest body that the schema allows."""
        name = self.body_schema(path)["$ref"].rpartition("/")[2]
        schema = self.doc["components"]["schemas"][name]
        least = {}
        for field in schema["required"]:
            one = schema["properties"][field]
            least[field] = next((each for each in one.get("enum", ()) if each), "Maria")
        return least

    def asks(
        self,
        path: str,
        method: str,
        hand_off: str = "",
        body: Any = None,
        callback: str = "",
        **headers: str,
    ) -> Any:
        """Make a request, and check the response against the document."""
        told = {"Authorization": f"Bearer {self.token}"} | headers
        answer = self.house.client.open(
            path.replace("{hand_off_id}", hand_off).replace("{callback_id}", callback),
            method=method.upper(),
            json=body,
            headers={name: value for name, value in told.items() if value},
        )
        self.is_promised(path, method, answer)
        return answer

    def callback_for(self, path: str, hand_off: str) -> str:
        """If the path has a callback, one that is booked now."""
        if "{callback_id}" not in path:
            return ""
        booking = "/api/v1/hand-offs/{hand_off_id}/callbacks"
        answer = self.house.client.post(
            booking.replace("{hand_off_id}", hand_off),
            json=self.body(booking),
            headers={"Authorization": f"Bearer {self.house.token}"},
        )
        return str(answer.get_json()["callbacks"][-1]["id"])

    def is_promised(self, path: str, method: str, answer: Any) -> None:
        promised = self.doc["paths"][path][method]["responses"]
        assert str(answer.status_code) in promised, (path, method, answer.status_code, answer.text)
        one = promised[str(answer.status_code)]
        assert set(one.get("headers", ())) <= set(answer.headers.keys())
        if "content" not in one:
            assert not answer.data
            return
        ((media, content),) = one["content"].items()
        assert answer.mimetype == media
        self.validator(content["schema"]).validate(answer.get_json())


@pytest.fixture
def client(house: House) -> Client:
    return Client(house, house.token)


def test_every_operation_promises_success_with_an_example_and_its_refusals(client: Client) -> None:
    for path, method, told in client.operations():
        (scope,) = told["security"][0]["bearer"]
        assert scope in SCOPES and f"`{scope}`" in told["description"]
        answers = told["responses"]
        expected = STATUSES - (set() if method == "post" else {409})
        expected -= set() if "{hand_off_id}" in path else {404}
        assert {int(one) for one in answers} - {200, 204} == expected, (path, method)
        for status, one in answers.items():
            for content in one.get("content", {}).values():
                client.validator(content["schema"]).validate(content["example"])
                assert int(status) < 400 or content["example"]["code"] in one["description"]


def test_the_document_is_json_schema_throughout(client: Client) -> None:
    assert client.doc["openapi"].startswith("3.1")
    again = client.house.client.get("/api/v1/openapi.json").get_json()
    assert again == client.doc, "asking changes nothing"
    for schema in client.doc["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.slow
def test_a_client_made_of_the_document_works_every_operation(house: House, client: Client) -> None:
    """Each with the smallest body: it is carried out, or refused with a documented code."""
    for path, method, _ in list(client.operations()):
        resident = house.resident(f"+1720555{1000 + len(house.rows('case'))}")
        case_id = resident.wants_a_team(contact="1").case().id
        body = client.body(path) if method == "post" else None
        booked = client.callback_for(path, case_id)
        assert client.asks(path, method, case_id, body, booked).status_code in (200, 409)
        assert client.asks(path, method, case_id, body, booked, Authorization="").status_code == 401
        if "{hand_off_id}" in path:
            missing = "0" * 8 + "-0000-7000-8000-" + "0" * 12
            assert client.asks(path, method, missing, body, booked).status_code == 404
        if booked:
            assert client.asks(path, method, case_id, body, missing).status_code == 404
        if method == "post":
            assert client.asks(path, method, case_id, {}, booked).status_code == 422
            assert client.asks(path, method, case_id, body | {"x": 1}, booked).status_code == 422
            assert client.asks(path, method, case_id, ["x" * 70_000], booked).status_code == 413
            key = {"Idempotency-Key": "ключ".encode().decode("latin-1")}
            assert client.asks(path, method, case_id, body, booked, **key).status_code == 400


def test_a_token_without_the_scope_is_refused_as_the_document_says(house: House) -> None:
    case_id = house.resident().wants_a_team(contact="1").case().id
    for scope in SCOPES:
        others = [one for one in SCOPES if one != scope]
        client = Client(house, house.new_token(f"all but {scope}", "console", scopes=others))
        for path, method, told in client.operations():
            if told["security"] == [{"bearer": [scope]}]:
                body = client.body(path) if method == "post" else None
                booked = client.callback_for(path, case_id)
                answer = client.asks(path, method, case_id, body, booked)
                assert (answer.status_code, answer.get_json()["scope"]) == (403, scope)


def test_who_may_not_read_is_answered_without_a_body_as_promised(house: House) -> None:
    client = Client(house, house.new_token("blind", "console", scopes=["act"]))
    case_id = house.resident().wants_a_team().case().id
    for path in ("/api/v1/hand-offs/{hand_off_id}/reviewed", "/EIDO/{hand_off_id}/unit-status"):
        assert client.asks(path, "post", case_id, client.body(path)).status_code in (204, 409)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("acknowledgement", {"answer": "decline", "by": "Maria"}),
        ("acknowledgement", {"answer": "decline", "by": "Maria", "reason": ""}),
        ("acknowledgement", {"answer": "ask", "by": "Maria"}),
        ("acknowledgement", {"answer": "accept", "by": "Maria", "at": "18:00", "in_minutes": 5}),
        ("acknowledgement", {"answer": "accept", "by": "Maria", "in_minutes": 1440}),
        (
            "acknowledgement",
            {"answer": "decline", "by": "Maria", "reason": "busy", "in_minutes": 120},
        ),
        ("acknowledgement", {"answer": "ask", "by": "Maria", "words": "Where?", "at": "18:40"}),
        ("acknowledgement", {"answer": "accept", "by": "Maria", "reason": "on my way"}),
        ("acknowledgement", {"answer": "accept", "by": "Maria", "words": "Which door?"}),
        ("status", {"status": "arrived", "by": "Maria", "outcome": "resolved"}),
        ("status", {"status": "en_route", "by": "Maria", "police": "no"}),
        ("status", {"status": "assigned", "by": "Maria", "report": "made", "reason": "x, today"}),
        ("unit-status", {"status": "OnScene", "by": "Maria", "outcome": "resolved"}),
        ("acknowledgement", {"answer": "accept", "by": "Maria", "at": "25:00"}),
        ("status", {"status": "closed", "by": "Maria", "report": "made"}),
        ("unit-status", {"status": "AssignmentCancelled", "by": "Maria"}),
        ("lower", {"by": "Maria"}),
        ("police", {"by": "Maria", "reason": "late", "police": "yes", "police_told": "no"}),
        ("notes", {"by": "Maria", "words": "x" * 481}),
    ],
)
def test_the_rules_between_fields_are_in_the_document_and_the_service_keeps_them(
    house: House, client: Client, path: str, body: dict[str, Any]
) -> None:
    door = "/EIDO" if path == "unit-status" else "/api/v1/hand-offs"
    whole = f"{door}/{{hand_off_id}}/{path}"
    case_id = house.resident().wants_a_team().case().id
    assert not client.validator(client.body_schema(whole)).is_valid(body)
    assert client.asks(whole, "post", case_id, body).status_code == 422


def test_every_409_that_there_is_stands_in_the_document(client: Client) -> None:
    for _, method, told in client.operations():
        if method == "post":
            schema = told["responses"]["409"]["content"]["application/problem+json"]["schema"]
            assert schema["allOf"][1]["properties"]["code"]["enum"] == sorted(REFUSALS)
