"""Faults that a test puts in the way of the next requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from tasks.notion.sandbox.errors import ApiError, validation

_ANSWERS = {
    409: ("conflict_error", "Conflict occurred while saving. Please try again."),
    429: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
    500: ("internal_server_error", "Unexpected error occurred."),
    502: ("bad_gateway", "Bad gateway."),
    503: ("service_unavailable", "Notion is unavailable. Please try again later."),
    504: ("gateway_timeout", "The request timed out."),
    529: ("service_overload", "Notion is overloaded. Please try again later."),
}


@dataclass
class Fault:
    """What befalls requests that match; counts down with every one."""

    #: HTTP method, or empty for every one.
    method: str = ""
    #: Beginning of the path ("/v1/pages"), or empty for every one.
    path: str = ""
    #: So many matching requests are let through first.
    skip: int = 0
    #: So many are hit.
    times: int = 1
    #: Status of the answer; 0 for the answer that the request would have had.
    status: int = 0
    #: Seconds in the Retry-After header; None for no header.
    retry_after: int | None = None
    #: Whether the request is applied all the same: the answer alone is lost or wrong.
    applied: bool = False
    #: Whether the connection is closed without an answer.
    drop: bool = False
    #: Seconds that the answer is held back.
    delay: float = 0.0
    #: Whether the answer is a page of HTML, as proxies send it.
    html: bool = False

    def error(self) -> ApiError:
        """The refusal to answer with."""
        code, message = _ANSWERS.get(self.status, ("internal_server_error", "Unexpected error occurred."))
        return ApiError(self.status, code, message)


class Faults:
    """The faults that wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Fault] = []

    def add(self, doc: dict[str, Any]) -> None:
        """Wait for requests; `ApiError` when the description names something unknown."""
        try:
            fault = Fault(**doc)
        except TypeError as error:
            raise validation(f"Not a fault: {error}") from None
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Let everything through."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What still waits."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request."""
        with self._lock:
            for fault in self._waiting:
                if fault.method.upper() not in ("", method) or not path.startswith(fault.path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
