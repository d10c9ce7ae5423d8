"""Refusals in the words and shapes of the Notion API."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError


class ApiError(Exception):
    """A request is refused; nothing of it is applied."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        additional: dict[str, Any] | None = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.additional = additional
        #: Seconds in the Retry-After header; None for no header.
        self.retry_after = retry_after

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON of the answer."""
        body: dict[str, Any] = {
            "object": "error",
            "status": self.status,
            "code": self.code,
            "message": self.message,
        }
        if self.additional is not None:
            body["additional_data"] = self.additional
        return body | {"request_id": request_id}


def shown(value: object) -> str:
    """A bad value as messages quote it."""
    if value is _ABSENT:
        return "`undefined`"
    return f"`{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}`"


class _Absent:
    """Stands for a key that is not there."""


_ABSENT = _Absent()


def validation(message: str, additional: dict[str, Any] | None = None) -> ApiError:
    """400 validation_error with this message."""
    return ApiError(400, "validation_error", message, additional)


def told(what: str, error: ValidationError) -> ApiError:
    """400: the first thing that a model finds wrong, in one line."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return validation(f"{what}: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}.")


def bad_body(path: str, rule: str, value: object = _ABSENT) -> ApiError:
    """400: a part of the body breaks a rule ("should be a string")."""
    where = f"body.{path}" if path else "body"
    return validation(f"body failed validation: {where} should be {rule}, instead was {shown(value)}.")


def too_long(path: str, limit: int, length: int) -> ApiError:
    """400: more characters or elements than allowed."""
    return validation(
        f"body failed validation: body.{path}.length should be ≤ `{limit}`, instead was `{length}`."
    )


def not_present(path: str, value: object) -> ApiError:
    """400: a key that this version or endpoint does not know."""
    return bad_body(path, "not present", value)


def not_found(kind: str, object_id: str, integration: tuple[str, str]) -> ApiError:
    """404: absent or not shared, which look the same; `integration` is the id and name of the caller."""
    return ApiError(
        404,
        "object_not_found",
        f"Could not find {kind} with ID: {object_id}. Make sure the relevant pages and databases are shared"
        f' with your integration "{integration[1]}".',
        {"integration_id": integration[0]},
    )


def no_such_column(name: str) -> ApiError:
    """400: a filter, sort or path names a column that is not there."""
    return validation(f"Could not find property with name or id: {name}")


def archived() -> ApiError:
    """400: an edit of something in the trash."""
    return validation("Can't edit block that is archived. You must unarchive the block before editing.")


def invalid_url() -> ApiError:
    """400: no such endpoint."""
    return ApiError(400, "invalid_request_url", "Invalid request URL.")


def an_object(value: Any, path: str) -> dict[str, Any]:
    """The value, which has to be an object; `ApiError` 400 otherwise."""
    if not isinstance(value, dict):
        raise bad_body(path, "an object", value)
    return value


def an_array(value: Any, path: str) -> list[Any]:
    """The value, which has to be an array; `ApiError` 400 otherwise."""
    if not isinstance(value, list):
        raise bad_body(path, "an array", value)
    return value


def a_string(value: Any, path: str) -> str:
    """The value, which has to be a string; `ApiError` 400 otherwise."""
    if not isinstance(value, str):
        raise bad_body(path, "a string", value)
    return value
