"""What is told when a request, or the server itself, cannot go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException

LATER = {"Retry-After": "2"}  # seconds: goes with each 503


class Refused(HTTPException):
    """A request that is not answered: what was expected and what came, and in which field."""

    def __init__(
        self,
        code: int,
        detail: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code: int = code
        self.description: str = detail
        self.field, self.headers = field, dict(headers or {})

    def get_headers(self, *_: Any) -> list[tuple[str, str]]:
        """The headers that go with the answer."""
        return list(self.headers.items())


def packed(value: Any) -> bytes:
    """Return `value` as JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def as_problem(status: int, detail: str, field: str | None = None) -> bytes:
    """An error in the form of RFC 9457; `field` names what is wrong in the request."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return packed(problem | {"detail": detail} | ({"field": field} if field else {}))


def fail(message: str) -> int:
    """Tell on standard error why the server cannot go on; return the exit code."""
    print(f"server: error: {message}", file=sys.stderr)
    return 1
