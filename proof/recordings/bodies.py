"""Bodies of requests and answers, as the forms of cassettes keep them."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from typing import Any

_WRAPPINGS = frozenset({"string", "base64_string", "encoding", "text", "mimeType", "size", "compression"})


def read_body(kept: Any) -> Any:
    """What was sent: JSON read, other text as it is, None for nothing."""
    if isinstance(kept, dict) and kept.keys() <= _WRAPPINGS:
        kept = _unwrapped(kept)
    if isinstance(kept, str):
        return _of_text(kept)
    if isinstance(kept, bytes | bytearray):
        return _of_text(_inflated(bytes(kept)).decode("utf-8", "replace"))
    return kept


def _unwrapped(body: dict[str, Any]) -> Any:
    if body.get("base64_string"):
        return base64.b64decode(body["base64_string"])
    inner = body.get("string", body.get("text"))
    if body.get("encoding") == "base64" and isinstance(inner, str):
        return base64.b64decode(inner)
    return inner


def _of_text(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        packed = _packed(text)
        return text if packed is None else read_body(packed)


def _packed(text: str) -> bytes | None:
    """The bytes of text that is base64 of JSON or of something compressed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if _inflated(raw)[:1] in (b"{", b"[") else None


def _inflated(raw: bytes) -> bytes:
    try:
        if raw[:2] == b"\x1f\x8b":
            return gzip.decompress(raw)
        return zlib.decompress(raw) if raw[:1] == b"\x78" else raw
    except (OSError, EOFError, zlib.error):
        return raw
