"""The text of one note in its parts, which together are its bytes: fences, front matter, content. Pure."""

from __future__ import annotations

import codecs
import difflib
import re
from dataclasses import dataclass, replace

from tasks.services.markdown.front_matter import FrontMatter, FrontMatterError

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
_FENCE = re.compile(r"---[ \t]*")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


#: Bytes of the largest note.
LARGEST = 8_000_000


class NoteError(ValueError):
    """A note cannot be read, or not be written so; the message continues its name."""


@dataclass(frozen=True)
class Document:
    """A note; its parts one after the other are its text."""

    #: The mark of the order of bytes, or nothing.
    bom: str
    #: The first fence with its line end; empty where there is no front matter.
    opening: str
    matter: FrontMatter
    closing: str
    #: Empty lines before the content, the content as it stands there, and line ends behind it.
    lead: str
    body: str
    tail: str
    #: The line end that new lines get.
    line_end: str

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(
            (self.bom, self.opening, self.matter.text, self.closing, self.lead, self.body, self.tail)
        )

    @property
    def data(self) -> bytes:
        """All of it, as the file holds it."""
        return self.text.encode()

    @property
    def content(self) -> str:
        """The text behind the front matter, without the empty lines around it, each line end a line feed."""
        return "\n".join(_bare(line) for line in _lines(self.body)) if self.body else ""

    def with_matter(self, matter: FrontMatter) -> Document:
        """With another front matter; one that is the first gets its fences."""
        if self.opening or not matter.text:
            return replace(self, matter=matter)
        fence = f"---{self.line_end}"
        return replace(self, opening=fence, matter=matter, closing=fence)

    def with_content(self, content: str) -> Document:
        """With another content: lines that stay keep their ends, and so does the end of the file.

        Raises:
            NoteError: the content cannot be kept in a file.
        """
        wanted = normal(content)
        if wanted == self.content:
            return self
        tail = self.tail if self.body or not wanted else self.tail or self.line_end
        closing = self.closing
        if wanted and closing and closing[-1] not in "\r\n":
            closing += self.line_end
        new = replace(self, closing=closing, body=self._rewritten(wanted), tail=tail)
        bom = new.data.startswith(codecs.BOM_UTF8) and not new.bom
        if not new.opening and (
            bom or _split(_lines(new.text[len(new.bom) :]))[0]
        ):  # it begins like what it is not
            fence = f"---{self.line_end}"
            new = replace(new, opening=fence, closing=fence)
        again = parse(new.data)
        if (again.content, again.matter.text) != (wanted, new.matter.text):
            raise NoteError("the content would be read as something else")
        return new

    def _rewritten(self, wanted: str) -> str:
        if not wanted:
            return ""
        new = wanted.split("\n")
        old = _lines(self.body) if self.body else []
        bare = [_bare(line) for line in old]
        ends = [self.line_end] * len(new)
        if any(line[len(_bare(line)) :] not in ("", self.line_end) for line in old):
            for block in difflib.SequenceMatcher(None, bare, new, autojunk=False).get_matching_blocks():
                for step in range(block.size):
                    ends[block.b + step] = old[block.a + step][len(bare[block.a + step]) :] or self.line_end
        body = "".join(line + end for line, end in zip(new[:-1], ends, strict=False)) + new[-1]
        # Of ends that stay, two may have come to stand together, and be one.
        return body if [_bare(line) for line in _lines(body)] == new else self.line_end.join(new)


def normal(content: str) -> str:
    """A content as a note can show it.

    Raises:
        NoteError: it holds half a surrogate pair.
    """
    try:
        content.encode()
    except UnicodeEncodeError:
        raise NoteError("the content holds half a surrogate pair") from None
    lines = [_bare(line) for line in _lines(content)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def parse(data: bytes) -> Document:
    """The parts of a note.

    Raises:
        NoteError: it is no UTF-8, its front matter cannot be read, or a merge left its marks in it.
    """
    if len(data) > LARGEST:
        raise NoteError(f"has {len(data):,} bytes; notes of up to {LARGEST:,} are synced")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NoteError("is written in UTF-16; save it as UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"is no UTF-8: byte {error.start} is none; save it as UTF-8") from None
    if len(_CONFLICT.findall(text)) > 1:
        raise NoteError("holds the marks of a merge (<<<<<<<, >>>>>>>); finish the merge")
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    lines = _lines(text[len(bom) :])
    line_end = next((line[len(_bare(line)) :] for line in lines if _bare(line) != line), "\n")
    opening, matter, closing, rest = _split(lines)
    try:
        front = FrontMatter(matter, line_end)
    except FrontMatterError as error:
        raise NoteError(str(error)) from None
    first, last = 0, len(rest)
    while first < last and not _bare(rest[first]):
        first += 1
    while last > first and not _bare(rest[last - 1]):
        last -= 1
    lead, middle, tail = "".join(rest[:first]), "".join(rest[first:last]), "".join(rest[last:])
    body = _bare_end(middle)
    return Document(bom, opening, front, closing, lead, body, middle[len(body) :] + tail, line_end)


def new_document() -> Document:
    """A note with nothing in it."""
    return Document("", "", FrontMatter(""), "", "", "", "", "\n")


def _split(lines: list[str]) -> tuple[str, str, str, list[str]]:
    """Opening, front matter, closing, and the lines behind them."""
    if lines and _FENCE.fullmatch(_bare(lines[0])) and _bare(lines[0]) != lines[0]:
        for number, line in enumerate(lines[1:], 1):
            if _FENCE.fullmatch(_bare(line)):
                return lines[0], "".join(lines[1:number]), line, lines[number + 1 :]
    return "", "", "", lines


def _lines(text: str) -> list[str]:
    """The lines with their ends."""
    found = _LINES.findall(text)
    return found[:-1] if found and not found[-1] else found


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _bare_end(text: str) -> str:
    """A text without the end of its last line, which is not empty."""
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith(("\n", "\r")) else text
