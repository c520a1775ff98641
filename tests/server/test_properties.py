"""Whatever is sent: an answer that fits the description, never a 500, and the server goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.conftest import Running

SITE = Path(__file__).parents[2] / "site"
STATUSES = {200, 400, 413, 415}
MEDIA_TYPES = ["application/json", "image/png", "image/jpeg", "image/webp", "text/plain"]
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
points = st.lists(st.floats() | st.integers() | json_values, max_size=4)
near_strokes = st.lists(st.lists(points | json_values, max_size=5) | json_values, max_size=4)
bodies = st.one_of(
    json_values,
    st.fixed_dictionaries({"strokes": near_strokes}),
    st.fixed_dictionaries({"image": st.text() | json_values}),
    st.fixed_dictionaries(
        {"batch": st.lists(st.fixed_dictionaries({"strokes": near_strokes}) | json_values)}
    ),
)
coordinates = st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9)
good_strokes = st.lists(
    st.lists(st.lists(coordinates, min_size=2, max_size=2), max_size=20), max_size=6
)


@pytest.fixture(autouse=True)
def _alive_afterwards(running: Running) -> Iterator[None]:
    yield
    with running.ask("GET", "/healthz") as response:
        assert response.status == 200


def assert_answered(status: int, body: bytes) -> Any:
    assert status in STATUSES, body
    answer = json.loads(body)
    if status != 200:
        assert answer["status"] == status
        assert answer["detail"]
        assert answer["field"]
    return answer


@relaxed
@given(body=bodies)
def test_any_json_is_answered(running: Running, body: Any) -> None:
    assert_answered(*running.post(json.dumps(body).encode()))


@relaxed
@given(strokes=good_strokes)
def test_strokes_of_finite_points_are_always_read(running: Running, strokes: Any) -> None:
    status, body = running.post(json.dumps({"strokes": strokes}).encode())
    assert status == 200, body
    drawn = any(stroke for stroke in strokes)
    reading = json.loads(body)
    assert bool(reading["text"]) == bool(reading["digits"]) == drawn
    for digit in reading["digits"]:
        total = sum(digit["probabilities"])
        assert 0 <= total <= 1 + 1e-4
        if digit["digit"] is None:
            assert digit["symbol"] in ".-?"
            assert digit["confidence"] == pytest.approx(1 - total, abs=1e-4)
        else:
            assert digit["confidence"] == max(digit["probabilities"])


@relaxed
@given(body=st.binary(max_size=300), media_type=st.sampled_from(MEDIA_TYPES))
def test_any_bytes_are_answered(running: Running, body: bytes, media_type: str) -> None:
    assert_answered(*running.post(body, media_type))


@relaxed
@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_any_path_is_answered(running: Running, path: str) -> None:
    with running.ask("GET", f"/{path}") as response:
        response.read()
        assert response.status in (200, 304, 308, 400, 404, 405)


def test_the_server_keeps_to_its_description(running: Running) -> None:
    schema = schemathesis.openapi.from_path(SITE / "openapi.json")
    schema.config.update(base_url=running.url)
    tested = []
    for result in schema.get_all_operations():
        operation = result.ok()
        tested.append(operation.label)

        @relaxed
        @given(case=operation.as_strategy())
        def keeps_to_it(case: schemathesis.Case) -> None:
            case.call_and_validate(
                checks=[
                    schemathesis.checks.not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ]
            )

        keeps_to_it()
    assert tested == ["POST /predict", "GET /healthz"]
