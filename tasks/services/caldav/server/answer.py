"""An HTTP answer, unpacked within bounds."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from xml.etree import ElementTree

#: Bytes of an unpacked answer. Some 100,000 ordinary to-dos fit in, or nine with the largest usual attachments;
#: reading takes a few times as much memory, and a packed answer may be a thousandth of it.
MOST_BYTES = 100_000_000
#: Bytes that are unpacked in one go.
_STEP = 1_000_000
#: Letters of a server's own words that a message takes over.
MOST_WORDS = 200

#: Elements of an error that speak to people, by their local names.
_SPOKEN = frozenset({"message", "responsedescription", "human-readable"})
#: Elements of an error that name the server's own code.
_INTERNAL = frozenset({"exception", "sabredav-version", "file", "line", "code", "stacktrace"})


class TooLargeError(Exception):
    """An answer is larger than any that is read, or packed in a way that is not known."""


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text.

        Raises:
            ValueError: it is not UTF-8.
        """
        return self.body.decode()

    @property
    def asks_to_wait(self) -> float | None:
        """Seconds after which the server wants to be asked again, where it says that it is busy."""
        again = self.headers.get("Retry-After")
        if self.status != 429 and (self.status != 503 or again is None):
            return None
        if again is None or again.strip().isdecimal():
            return float(again or 0)
        try:
            when = parsedate_to_datetime(again)
        except ValueError:
            return 0
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()

    @property
    def reason(self) -> str:
        """Why a request was refused, in the server's own words, as far as it gives any."""
        words = self.body[: 20 * MOST_WORDS].decode(errors="replace")
        try:
            tree = read_xml(self.body)
        except ValueError:
            tree = None
        if tree is not None and tree.tag == "{DAV:}error":
            names = [(element.tag.rpartition("}")[2], element.text or "") for element in tree]
            spoken = [text for name, text in names if name in _SPOKEN and text.strip()]
            words = "; ".join(spoken) or ", ".join(name for name, _ in names if name not in _INTERNAL)
        else:
            words = unescape(re.sub(r"(?s)<(style|script|head)\b.*?</\1>|<[^>]*>", " ", words))
        words = " ".join(word for word in words.split() if word.isprintable())
        return words if len(words) <= MOST_WORDS else words[:MOST_WORDS].rstrip() + "…"


class Unpacked:
    """A body that is unpacked while it comes in, no further than it may grow."""

    def __init__(self, encoding: str) -> None:
        self._packed = encoding.strip().lower() not in ("", "identity")
        if self._packed and encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            raise TooLargeError(f"it is packed as {encoding[:40]!r}, which was not asked for")
        self._unpack = _unpacker()
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take in the next piece.

        Raises:
            TooLargeError: with it the body is too large, or it cannot be unpacked.
        """
        if not self._packed:
            self._grow(chunk)
            return
        while True:
            try:
                piece = self._unpack.decompress(chunk, _STEP)
            except zlib.error:
                raise TooLargeError("it cannot be unpacked") from None
            self._grow(piece)
            chunk = self._unpack.unconsumed_tail
            if self._unpack.eof:  # another part may follow
                chunk = self._unpack.unused_data
                if not chunk:
                    return
                self._unpack = _unpacker()
            elif not chunk and len(piece) < _STEP:
                return

    def _grow(self, piece: bytes) -> None:
        self._body += piece
        if len(self._body) > MOST_BYTES:
            raise TooLargeError(
                f"it is larger than {MOST_BYTES // 1_000_000} MB, the most that is read of one"
            )

    def whole(self) -> bytes:
        """The body.

        Raises:
            TooLargeError: it was not packed to its end.
        """
        if self._packed and self._body and not self._unpack.eof:
            raise TooLargeError("it was cut off")
        return bytes(self._body)


def read_xml(body: bytes) -> ElementTree.Element:
    """XML without a document type, so that nothing in it stands for more than it shows.

    Raises:
        ValueError: it is none.
    """
    parser = ElementTree.XMLParser(target=_Plain())  # noqa: S314 - what makes it unsafe needs a document type
    try:
        parser.feed(body)
        tree: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, LookupError) as error:  # the latter for an encoding that is not known
        raise ValueError(str(error)) from None
    return tree


class _Plain(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type")


def _unpacker() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # knows gzip and zlib by their first bytes
