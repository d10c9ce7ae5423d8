"""The JSON bodies of requests."""

from __future__ import annotations

import json
from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.errors import ApiError

#: Largest body, in bytes.
MAX_BODY = 500_000


def read_body(raw: bytes) -> dict[str, Any]:
    """The object that a body holds; nothing stands for an empty one.

    Raises:
        ApiError: it is too large, no JSON, or no object.
    """
    if len(raw) > MAX_BODY:
        raise errors.validation(f"body failed validation: body should be ≤ `{MAX_BODY}` bytes.")
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
        if b"\\ud" in raw.lower():  # half of a surrogate pair cannot be kept
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError(400, "invalid_json", "Error parsing JSON body.") from None
    if not isinstance(body, dict):
        raise errors.bad_body("", "an object", body)
    return body
