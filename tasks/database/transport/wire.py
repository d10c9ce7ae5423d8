"""Manifests as bytes: JSON, compressed, and of a size that is known before it is read."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from typing import Any

from tasks.database.exceptions import ManifestFieldError, PayloadLimitError
from tasks.database.garbage import search_put_off
from tasks.database.records.manifest import SyncManifest

#: Bytes on the way, at most.
SENT_MAX = 16 * 1024 * 1024

#: Bytes of JSON, at most: what is compressed cannot grow beyond it.
JSON_MAX = 64 * 1024 * 1024

#: Where the text that the checksum is taken of ends, and the rest begins. Within that text it cannot be: it has
#: a blank after each comma.
_SEAM = b',"after_keys":'

#: What else is in a manifest that holds one record.
_BESIDE = 1024 * 1024

_GZIP = 31  # zlib's name for the format with gzip's header
_LEVEL = 1  # records shrink well enough, and time is what a sync has least of


def sent_max_for(record_bytes: int | None) -> int:
    """Bytes on the way, at most, where single records may have so many."""
    return max(SENT_MAX, (record_bytes or 0) + _BESIDE)


def pack(data: dict[str, Any]) -> bytes:
    """JSON, compressed. What has no JSON, such as NaN, raises `ManifestFieldError`."""
    try:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise ManifestFieldError("a record holds a value that JSON cannot hold") from None
    return _deflate(text)


def pack_manifest(manifest: SyncManifest) -> bytes:
    """The manifest, compressed; raises as `pack`. What was sealed is not encoded again."""
    if not manifest.sealed:
        return pack(manifest.to_dict())
    try:
        beside = json.dumps(manifest.beside(), separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise ManifestFieldError("the manifest holds a value that JSON cannot hold") from None
    return _deflate(f"{manifest.sealed[:-1]},{beside[1:]}")


def _deflate(text: str) -> bytes:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    return packer.compress(text.encode("ascii")) + packer.flush()


def unpack(body: bytes, *, json_max: int = JSON_MAX, compressed: bool = True) -> dict[str, Any]:
    """The JSON object of what was sent.

    Raises:
        PayloadLimitError: it is larger than `json_max` bytes; it is not read further than that.
        ManifestFieldError: it is no compressed JSON object.
    """
    return _parsed(_text(body, json_max, compressed=compressed))


def _text(body: bytes, json_max: int, *, compressed: bool) -> bytes:
    text = _inflate(body, json_max) if compressed else body
    if len(text) > json_max:
        raise PayloadLimitError(f"a manifest may have {json_max} bytes at most")
    return text


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ManifestFieldError("the body is no JSON") from None
    if not isinstance(data, dict):
        raise ManifestFieldError("the body is no JSON object")
    return data


def unpack_manifest(body: bytes, *, json_max: int = JSON_MAX, compressed: bool = True) -> SyncManifest:
    """The manifest of what was sent; raises as `unpack` and `SyncManifest.from_dict`."""
    with search_put_off():
        return _manifest(_text(body, json_max, compressed=compressed))


def _manifest(text: bytes) -> SyncManifest:
    sealed, seam, beside = text.partition(_SEAM)
    if seam:
        sealed += b"}"
        checksum = hashlib.sha256(sealed).hexdigest()
        if f'"checksum":"{checksum}"'.encode() in beside:
            return _sealed_manifest(sealed, b"{" + seam[1:] + beside, checksum)
    return SyncManifest.from_dict(_parsed(text))


def _sealed_manifest(sealed: bytes, beside: bytes, checksum: str) -> SyncManifest:
    manifest = SyncManifest.from_dict({**_parsed(beside), **_parsed(sealed)})
    manifest.intact = manifest.checksum == checksum
    return manifest


def joined(parts: Iterable[bytes], sent_max: int = SENT_MAX) -> bytes:
    """The parts of a body in one; raises `PayloadLimitError` where they are too many."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > sent_max:
            raise PayloadLimitError(f"an answer may have {sent_max} bytes at most")
    return bytes(body)


def _inflate(body: bytes, json_max: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        text = unpacker.decompress(body, json_max + 1)
    except zlib.error:
        raise ManifestFieldError("the body is not compressed with gzip") from None
    if len(text) > json_max:
        raise PayloadLimitError(f"a manifest may have {json_max} bytes at most")
    if not unpacker.eof or unpacker.unused_data:
        raise ManifestFieldError("the body is cut off, or holds more than one manifest")
    return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
