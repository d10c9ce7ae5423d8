"""The pages that users read, in parts: code blocks, code spans, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: str
    line: int
    #: As the fence says it; empty where the block is only indented.
    language: str
    text: str

    @property
    def first(self) -> str:
        """Its first line, by which it is named."""
        return self.text.splitlines()[0].strip()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.first}"


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page, fenced or indented by four spaces after an empty line."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        start, fence = number, _FENCE.match(lines[number])
        if fence:
            number += 1
            while not _FENCE.match(lines[number]):
                number += 1
            text = "\n".join(lines[start + 1 : number])
            found.append(Block(page.name, start + 1, fence[1], text + "\n"))
        elif lines[number].startswith("    ") and not lines[number - 1].strip():
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                number += 1
            text = "\n".join(line[4:] for line in lines[start:number]).strip("\n")
            found.append(Block(page.name, start + 1, "", text + "\n"))
            continue
        number += 1
    return found


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        fenced = 1 if block.language or _FENCE.match(lines[block.line - 1]) else 0
        for number in range(block.line - 1, block.line - 1 + block.text.count("\n") + 2 * fenced):
            lines[number] = ""
    return "\n".join(lines)


def spans(page: Path) -> Iterator[str]:
    """The code in the text of a page."""
    for line in prose(page).splitlines():
        yield from _SPAN.findall(line)


def links(page: Path) -> Iterator[str]:
    """What a page leads to."""
    yield from _LINK.findall(_SPAN.sub("", prose(page)))


def anchors(page: Path) -> set[str]:
    """What can be linked to on a page, as GitHub names it."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def block(page: str, first: str) -> Block:
    """One block by its page and the begin of its first line."""
    (found,) = (
        one for each in PAGES if each.name == page for one in blocks(each) if one.first.startswith(first)
    )
    return found
