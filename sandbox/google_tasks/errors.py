"""Refusals in the shape of Google's APIs."""

from __future__ import annotations

from typing import Any

#: What newer parts of an answer call a status.
_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class ApiError(Exception):
    """A request is refused; nothing of it is applied."""

    def __init__(self, status: int, reason: str, message: str, *, domain: str = "global") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        inner = {"message": self.message, "domain": self.domain, "reason": self.reason}
        error: dict[str, Any] = {"code": self.status, "message": self.message, "errors": [inner]}
        if self.status in _NAMES:
            error["status"] = _NAMES[self.status]
        return {"error": error}


def invalid(message: str) -> ApiError:
    """400: the request does not fit."""
    return ApiError(400, "invalid", message)


def not_found(what: str = "Task") -> ApiError:
    """404: there is none, or not for this user."""
    return ApiError(404, "notFound", f"{what} not found.")


def unauthorised() -> ApiError:
    """401: no token, or one that is not valid any more."""
    return ApiError(401, "authError", "Request had invalid authentication credentials.")


def changed() -> ApiError:
    """412: the resource has another version than the request names."""
    return ApiError(412, "conditionNotMet", "Precondition Failed")
