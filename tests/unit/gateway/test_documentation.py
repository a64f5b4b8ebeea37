"""The OpenAPI document describes every endpoint, with examples and failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.gateway.app import create_app
from services.gateway.composition import compose
from services.gateway.docs_page import page_of
from tests.unit.gateway.running import settings_for

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Document]:
    home: Path = tmp_path_factory.mktemp("gateway")
    parts = compose(settings_for(home))
    yield create_app(parts).openapi()
    parts.events.close()


def operations(document: Document) -> list[tuple[str, Document]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_every_endpoint_has_a_summary_a_description_and_a_known_tag(document: Document) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation.get("summary"), name
        assert len(operation.get("description", "")) > 10, name
        assert set(operation["tags"]) <= tags, name


def test_every_success_that_has_a_body_shows_an_example(document: Document) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status.startswith("2") and status != "204":
                assert answer.get("content"), (name, status)
                assert all("example" in media for media in answer["content"].values()), (name, status)


def test_every_body_that_is_taken_shows_an_example(document: Document) -> None:
    for name, operation in operations(document):
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
            assert "example" in media, (name, media_type)


def test_every_endpoint_tells_how_it_fails(document: Document) -> None:
    open_to_all = {"GET /healthz", "GET /readyz"}
    for name, operation in operations(document):
        failures = {status for status in operation["responses"] if status.startswith(("4", "5"))}
        assert "422" not in failures, name
        assert "default" in operation["responses"], name
        assert "401" in failures or name in open_to_all, name
        for status in failures:
            assert "example" in operation["responses"][status]["content"]["application/problem+json"], name


def test_every_parameter_is_described(document: Document) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])


def test_all_but_health_and_sign_in_ask_for_a_token(document: Document) -> None:
    unsecured = {name for name, operation in operations(document) if not operation["security"]}

    assert unsecured == {"GET /healthz", "GET /readyz", "GET /login"}


def test_every_reference_leads_somewhere(document: Document) -> None:
    schemas = document["components"]["schemas"]

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    assert set(references(document)) <= {f"#/components/schemas/{name}" for name in schemas}


def test_operation_ids_are_unique(document: Document) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(ids) == len(set(ids))


def test_the_page_for_people_shows_every_endpoint_and_fetches_nothing(document: Document) -> None:
    page = page_of(document)

    assert all(f"<code>{path}</code>" in page for path in document["paths"])
    assert "<script" not in page
    assert 'src="' not in page
