"""The bytes of uploaded files, and the addresses under which they are there for an hour."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import Clock, minute_text
from sandbox.notion.state.store import Store

HOUR_MS = 3_600_000
#: How a file's address begins in what is kept; answers show one of this server instead, which is signed.
_KEPT_AT = "https://prod-files-secure.s3.us-west-2.amazonaws.com/sandbox"
#: Where this server gives files.
PATH = "/_files/"
#: No secret: who reads it has the sandbox.
_KEY = b"the sandbox"

#: What the File Upload API takes, by the end of a file's name.
_EXTENSIONS = """
aac adts mid midi mp3 mpga m4a m4b mp4 oga ogg wav wma
pdf txt json doc dot docx dotx xls xlt xla xlsx xltx ppt pot pps ppa pptx potx
gif heic jpeg jpg png svg tif tiff webp ico
amv asf wmv avi f4v flv gifv m4v mkv webm mov qt mpeg
"""
EXTENSIONS = frozenset(_EXTENSIONS.split())


def address_of(file_id: str, name: str) -> str:
    """The address of a file in what is kept."""
    return f"{_KEPT_AT}/{file_id}/{quote(name, safe='')}"


def shown(call: Call, file: Any) -> Any:
    """A file as an answer shows it: what this server keeps has an address that is good for an hour."""
    kept: Any = file.get("file") if isinstance(file, dict) else None
    address = kept.get("url") if isinstance(kept, dict) else None
    if not isinstance(address, str) or not address.startswith(f"{_KEPT_AT}/") or not call.files_at:
        return file
    until = call.now() + HOUR_MS
    path = address.removeprefix(f"{_KEPT_AT}/")
    signed = f"{call.files_at}{PATH}{path}?X-Amz-Expires={until}&X-Amz-Signature={_sign(path, until)}"
    return {**file, "file": {**kept, "url": signed, "expiry_time": minute_text(until)}}


def as_kept(content: Any) -> Any:
    """The content of a file that is passed back as an answer showed it, in the form in which it is kept."""
    address = content.get("url") if isinstance(content, dict) else None
    if not isinstance(address, str) or PATH not in address or "X-Amz-Signature=" not in address:
        return content
    return {**content, "url": f"{_KEPT_AT}/{urlsplit(address).path.removeprefix(PATH)}"}


def read(store: Store, clock: Clock, path: str, query: str) -> bytes | None:
    """The bytes of a file; `None` where the address was not signed, or not lately."""
    said = parse_qs(query)
    until, signature = said.get("X-Amz-Expires", ["0"])[0], said.get("X-Amz-Signature", [""])[0]
    if not until.isdecimal() or not hmac.compare_digest(signature, _sign(path, int(until))):
        return None
    with store.transaction():
        return store.read_file(unquote(path).partition("/")[0]) if clock.now() < int(until) else None


def _sign(path: str, until: int) -> str:
    return hmac.new(_KEY, f"{path} {until}".encode(), hashlib.sha256).hexdigest()
