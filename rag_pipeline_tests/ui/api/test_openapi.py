"""The schema of the API: it is complete, and what it shows is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from rag_pipeline import models
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.api.schema_examples import STREAM


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with serving(settings, ScriptedAnswerer()) as address, httpx.Client(base_url=address, timeout=30) as made:
        yield made


@pytest.fixture
def schema(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/api/v1/openapi.json").json())


def operations_of(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(schema: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    reference = content.get("schema", {}).get("$ref", "")
    return dict(schema["components"]["schemas"][reference.rsplit("/", 1)[-1]]) if reference else content


def has_example(schema: dict[str, Any], content: dict[str, Any]) -> bool:
    return "example" in content or "examples" in resolved(schema, content)


def test_every_operation_is_described_with_examples(schema: dict[str, Any]) -> None:
    for name, operation in operations_of(schema):
        assert operation["description"], name
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert body is None or has_example(schema, body), name
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json")
            assert content is None or has_example(schema, content), (name, status)
    assert len(list(operations_of(schema))) > 20


def test_failures_are_described_as_they_are(schema: dict[str, Any], client: httpx.Client) -> None:
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    failure = client.post("/api/v1/ask", json={})
    assert failure.status_code == 422
    assert set(failure.json()) == set(schema["components"]["schemas"]["FailureBody"]["properties"])
    assert set(failure.json()["error"]) == set(schema["components"]["schemas"]["Problem"]["properties"])


def test_tokens_are_in_the_schema(schema: dict[str, Any]) -> None:
    assert schema["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert schema["paths"]["/api/v1/documents"]["post"]["security"] == [{"HTTPBearer": []}]


def subclasses(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_every_example_is_valid_and_whole() -> None:
    checked = 0
    for model in subclasses(BaseModel):
        extra = model.model_config.get("json_schema_extra")
        if not model.__module__.startswith("ui.") or not isinstance(extra, dict):
            continue
        for example in extra["examples"]:  # type: ignore[union-attr]
            model.model_validate(example, strict=False)
            assert set(example) <= set(model.model_fields), model
            if model.__name__.endswith(("Response", "Body")):
                assert set(example) == set(model.model_fields), model
            checked += 1
    assert checked > 20


def test_the_events_shown_are_those_that_are_sent() -> None:
    for name, data in STREAM:
        event = getattr(models, name.capitalize())
        assert set(data) == {field.name for field in fields(event)} - {"provenance"}  # that is kept, and not told
