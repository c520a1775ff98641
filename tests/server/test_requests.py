"""What programs send to /predict: batches, limits, rates; and what stands in every answer."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from limits import RateLimit
from nn import Recognizer
from problems import Refused
from server import DEFAULTS, create_app
from tests.sample import drawings

SEVEN = [[[20, 30], [80, 28], [45, 110]]]


def refusal(client: FlaskClient, body: Any, status: int = 400) -> dict[str, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/predict", data=data, content_type="application/json")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    return problem


def test_a_batch_is_answered_in_its_order(client: FlaskClient, recognizer: Recognizer) -> None:
    batch = [{"strokes": sample.strokes} for sample in drawings()[:20]] + [{"strokes": []}]
    answer = client.post("/predict", json={"batch": batch})
    assert answer.status_code == 200
    expected = [recognizer.read(item["strokes"]).to_dict() for item in batch]
    assert answer.get_json() == {"readings": expected}


def test_an_empty_batch_has_no_readings(client: FlaskClient) -> None:
    assert client.post("/predict", json={"batch": []}).get_json() == {"readings": []}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {"batch": 7},
            "batch: expected a list, got int",
        ),
        (
            {"batch": [{"strokes": []}, 7]},
            'batch[1]: expected an object with "strokes" or "image" alone, got 7',
        ),
        (
            {"batch": [{"batch": []}]},
            'batch[0]: expected an object with "strokes" or "image" alone, '
            "got an object with ['batch']",
        ),
        (
            {"batch": [{"strokes": [[[1, 2]], [[3, 4], [5]]]}]},
            "batch[0].strokes[1][1]: expected two finite numbers [x, y] of size at most 1e+09, "
            "got list [5]",
        ),
        (
            {"strokes": [], "pen": 3},
            'body: expected an object with "strokes" or "image" or "batch" alone, '
            "got an object with ['strokes', 'pen']",
        ),
        (
            {"x" * 1000: []},
            'body: expected an object with "strokes" or "image" or "batch" alone, '
            "got an object with ['" + "x" * 60 + "...",
        ),
    ],
)
def test_a_refusal_names_the_field_what_was_expected_and_what_came(
    client: FlaskClient, body: Any, detail: str
) -> None:
    problem = refusal(client, body)
    assert problem["detail"] == detail
    assert problem["field"] == detail.partition(":")[0]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"strokes": [[]] * 1001}, "strokes: at most 1000 strokes, got 1001"),
        ({"strokes": [[[0, 0]] * 20_001]}, "strokes: at most 20000 points, got 20001"),
        ({"batch": [{"strokes": []}] * 65}, "batch: at most 64 drawings, got 65"),
        (
            {"batch": [{"strokes": [[]] * 1001}]},
            "batch[0].strokes: at most 1000 strokes, got 1001",
        ),
    ],
)
def test_counts_have_limits(client: FlaskClient, body: Any, detail: str) -> None:
    assert refusal(client, body, 413)["detail"] == detail


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"strokes":' * 50_000,
        b'{"strokes": [[[' + b"9" * 100_000 + b", 1]]]}",
        b'{"strokes": [[[1' + b"0" * 5000 + b", 1]]]}",
        b'{"strokes": "' + b"\\ud800" * 10 + b'"}',
        b'{"strokes": [[["\\u0000", 1]]]}',
        "{}".encode("utf-16")[:3],
        b'{"strokes": [[[-1e308, 1e308]]]}',
        b"1e999",
        b'"strokes"',
    ],
)
def test_odd_json_is_a_400(client: FlaskClient, body: bytes) -> None:
    refusal(client, body)


def test_more_json_than_a_mebibyte_is_a_413(client: FlaskClient) -> None:
    most = DEFAULTS["MAX_JSON"]
    fits = b'{"strokes": []}'.ljust(most)
    answer = client.post("/predict", data=fits, content_type="application/json")
    assert answer.status_code == 200
    refusal(client, fits + b" ", 413)


@pytest.mark.parametrize(
    ("media_type", "limit"), [("application/json", "MAX_JSON"), ("image/png", "MAX_CONTENT_LENGTH")]
)
def test_too_much_of_unknown_length_is_a_413_and_not_cut_off(
    client: FlaskClient, media_type: str, limit: str
) -> None:
    fits = b'{"strokes": []}'.ljust(DEFAULTS[limit])
    statuses = []
    for body in (fits, fits + b" ", fits * 2):
        answer = client.post(
            "/predict",
            input_stream=io.BytesIO(body),
            content_type=media_type,
            # As a body in chunks comes from other WSGI servers.
            environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
        )
        statuses.append(answer.status_code)
    assert statuses == [200 if media_type == "application/json" else 400, 413, 413]


def test_a_compressed_body_is_a_415(client: FlaskClient) -> None:
    answer = client.post("/predict", json={"strokes": []}, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert answer.get_json()["field"] == "Content-Encoding"
    assert "image/webp" in answer.headers["Accept-Post"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_a_405_that_lists_the_right_ones(
    client: FlaskClient, method: str
) -> None:
    answer = client.open("/predict", method=method)
    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_an_answer_tells_the_model_and_the_time(
    client: FlaskClient, recognizer: Recognizer
) -> None:
    answer = client.post("/predict", json={"strokes": SEVEN})
    assert answer.headers["Model-SHA256"] == recognizer.model_hash
    name, _, milliseconds = answer.headers["Server-Timing"].partition(";dur=")
    assert name == "predict"
    assert 0 < float(milliseconds) < 60_000


@pytest.mark.parametrize("path", ["/", "/sw.js", "/healthz", "/nothing", "/predict"])
def test_every_answer_is_kept_in_its_place(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("name", ["", "index.html", "how.html", "playground.html", "api.html"])
def test_the_policy_is_the_one_that_the_page_states(
    client: FlaskClient, built_site: Path, name: str
) -> None:
    """A browser obeys both: a page that may do more has to be told so in the header too."""
    stated = (
        client.get(f"/{name}", buffered=True)
        .headers["Content-Security-Policy"]
        .removesuffix("; frame-ancestors 'none'")
    )
    assert f'content="{stated}"' in (built_site / (name or "index.html")).read_text("utf-8")


# The rate for each client


def test_the_rate_of_a_client_is_limited(built_site: Path) -> None:
    client = create_app({"SITE": built_site, "RATE_LIMIT": 1.0}).test_client()

    def ask(address: str) -> Any:
        return client.post(
            "/predict", json={"strokes": []}, environ_overrides={"REMOTE_ADDR": address}
        )

    answers = [ask("192.0.2.1") for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 10
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].get_json()["detail"] == "at most 1 requests a second"
    assert ask("192.0.2.2").status_code == 200
    assert client.get("/healthz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


@pytest.mark.parametrize("per_second", [0.001, 0.3, 0.5, 1, 7, 1000])
def test_nobodys_first_request_is_refused_for_a_rounding(
    monkeypatch: pytest.MonkeyPatch, per_second: float
) -> None:
    limit = RateLimit(per_second)
    for client in range(1000):
        monkeypatch.setattr("limits.time.monotonic", lambda now=client * 4.3217: now)
        limit.count(str(client))


def test_a_steady_client_within_the_rate_is_never_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("limits.time.monotonic", lambda: now)
    limit = RateLimit(10)
    for _ in range(1000):
        limit.count("one")
        now += 0.1
    for _ in range(20):  # after a pause: two seconds' worth at once
        limit.count("two")
    with pytest.raises(Refused):
        limit.count("two")
    now += 0.11
    limit.count("two")


def test_many_clients_take_bounded_memory() -> None:
    limit = RateLimit(1)
    for client in range(RateLimit.CLIENTS + 500):
        limit.count(str(client))
    assert len(limit.even_at) == RateLimit.CLIENTS


# The access log


def test_the_access_log_is_one_json_object_a_line_whatever_comes(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="digits.access"):
        client.post("/predict?x=%0aforged", json={}, headers={"User-Agent": 'a"\x1b[31m\u2028'})
        client.get("/%0d%0aforged%00")
    entries = [json.loads(record.getMessage()) for record in caplog.records]
    assert [entry["status"] for entry in entries] == [400, 404]
    assert [entry["method"] for entry in entries] == ["POST", "GET"]
    assert entries[0]["path"] == "/predict"
    assert entries[0]["ms"] >= 0
    for record in caplog.records:
        assert record.getMessage().isprintable()
