"""Requests that nobody thought of, made by machine from the API's own schema: none is a server error, no answer breaks the schema.

More of them than a run of the suite has time for: ``RAG_TEST_REQUESTS=500 pytest rag_pipeline_tests/ui/api/test_any_request.py``
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.web.app import create_app

TOKEN = "a-token-that-may-do-all"
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
NOT_READY = ("/api/v1/ready", "/api/v1/ingestion", "/api/v1/ingestion/runs", "/api/v1/ingestion/{run_id}")
"""Without documents, and without Dagster: 503 is the truth."""

ENDLESS = ("/api/v1/ingestion/events",)
"""A stream that ends when its reader goes; of those who may read it ``test_progress`` is one."""


@pytest.mark.parametrize("token", [TOKEN, None], ids=["with a token", "without"])
def test_no_request_breaks_the_api(settings: Settings, token: str | None) -> None:
    guarded = settings.model_copy(
        update={"api_tokens": Settings(api_tokens=TOKEN).api_tokens, "requests_per_minute": 0, "dagster_port": 9, "max_file_bytes": 1 << 20}
    )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    most = int(os.environ.get("RAG_TEST_REQUESTS", "10")) if token else 3
    schema = schemathesis.openapi.from_dict(create_app(guarded, ScriptedAnswerer()).openapi())  # type: ignore[arg-type]
    failures: list[str] = []
    with serving(guarded, ScriptedAnswerer()) as address:
        for operation in (result.ok() for result in schema.get_all_operations()):
            if token and operation.path in ENDLESS:
                continue
            try:
                ask_anything(operation, address, headers, most)
            except (AssertionError, BaseExceptionGroup) as error:
                failures.append(f"{operation.label}: {error!r}")
    assert not failures, "\n\n".join(failures)


def ask_anything(operation: Any, address: str, headers: dict[str, str], most: int) -> None:
    @hypothesis_settings(
        max_examples=most,
        derandomize="RAG_TEST_REQUESTS" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.headers.pop("Authorization", None)
        answer = case.call(base_url=address, headers=headers)
        assert answer.status_code < 500 or (answer.status_code == 503 and operation.path in NOT_READY), answer.text
        if not headers:
            assert answer.status_code in (401, 404) or operation.path in ("/api/v1/health", "/api/v1/ready"), answer.status_code
        case.validate_response(answer, checks=CHECKS)

    ask()
