"""schemathesis tests the service against the OpenAPI document: every generated request is answered
as documented, and none leads to a server error.

Limited by examples, not by time, and deterministic: a busy machine is only slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from conftest import House

CHECKS: list[Any] = [
    not_a_server_error, content_type_conformance, negative_data_rejection,
    response_headers_conformance, response_schema_conformance, status_code_conformance,
]  # fmt: skip
EXAMPLES = 8  # of each operation and kind
WITH_TOKEN = SchemathesisConfig(
    projects=ProjectsConfig(
        default=ProjectConfig(generation=GenerationConfig(with_security_parameters=False))
    )
)
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_sent_is_answered_as_the_document_says(
    house: House, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", house.app, config=WITH_TOKEN)
    case_id = house.resident().wants_a_team(contact="1").case().id
    booked = house.dispatch(f"/{case_id}/callbacks", {"by": "Maria"})
    callback_id = booked.get_json()["callbacks"][0]["id"]
    seen: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        # requests with a body use a hand-off and a callback that exist
        theirs = {"hand_off_id": case_id} | (
            {"callback_id": callback_id} if "{callback_id}" in operation.path else {}
        )
        ours = theirs if operation.method == "post" else None

        @BOUNDED
        @given(case=operation.as_strategy(mode, path_parameters=ours))
        def plays(case: Any) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {house.token}"})
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        plays()
    assert {200, 404} <= seen if mode == GenerationMode.POSITIVE else {404, 422} <= seen
