"""What the API answers where it refuses."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """A refusal, with its status and body."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {
            "message": message,
            "documentation_url": DOCUMENTATION,
            "status": str(status),
        }
        if errors is not None:
            self.body["errors"] = errors


class MovedError(ApiError):
    """What was asked for is at another address."""

    def __init__(self, url: str, *, write: bool) -> None:
        status = 307 if write else 301
        super().__init__(status, "Moved Permanently" if status == 301 else "Temporary Redirect")
        self.headers = {"Location": url}
        self.body = {"message": self.body["message"], "url": url, "documentation_url": DOCUMENTATION}


def not_found() -> ApiError:
    """There is none, or it may not be seen."""
    return ApiError(404, "Not Found")


def invalid(field: str, code: str, resource: str = "Issue", message: str = "") -> ApiError:
    """A field that does not fit."""
    error = {"resource": resource, "field": field, "code": code}
    return ApiError(422, "Validation Failed", [error | ({"message": message} if message else {})])
