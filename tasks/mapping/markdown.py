"""Markdown as plain text, and plain text as Markdown that shows just that.

Own code, since what a parser gives for HTML has no way back: here `plain(marked(text)) == text` for every text.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_BEFORE = re.compile(r"(?: {0,3}> ?)*(?: {0,3}#{1,6}[ \t]+)?")
_TOKEN = re.compile(r"\\([!-/:-@\[-`{-~])|(`+)|(\*+|_+|~~(?!~))|(!?\[)|(\])")
_TARGET = re.compile(r"\(<?([^()<>\s]*)>?(?:[ \t]+\"[^\"]*\")?\)")
_SIGNS = re.compile(r"([\\`*_~\[\]!<>#])")


def plain(markdown: str) -> str:
    """The text without its formatting; of a link, its text and its address."""
    lines: list[str] = []
    code = False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            code = not code
        else:
            lines.append(line if code else _plain_line(line))
    return "\n".join(lines)


def marked(text: str) -> str:
    """Markdown that shows a plain text; signs are escaped only in lines that would show as something else."""
    return "\n".join(
        line if plain(line) == line and not _FENCE.match(line) else _SIGNS.sub(r"\\\1", line)
        for line in text.split("\n")
    )


def _plain_line(line: str) -> str:
    """One line, in one pass: marks are written out, and blanked where they turn out to have a partner."""
    written: list[str] = []
    #: Where marks stand in `written` that may begin something, by sign, with their lengths.
    begun: dict[str, list[tuple[int, int]]] = {"*": [], "_": [], "~": [], "[": []}
    at = _BEFORE.match(line).end()  # type: ignore[union-attr]  # it matches nothing, too
    while found := _TOKEN.search(line, at):
        written.append(line[at : found.start()])
        at = found.end()
        escaped, ticks, marks, opening, closing = found.groups()
        if escaped:
            written.append(escaped)
        elif ticks:
            code = re.compile(rf"(?<!`){ticks}(?!`)").search(line, at)
            written.append(ticks if code is None else line[at : code.start()])
            at = at if code is None else code.end()
        elif marks:
            written.append(_unmarked(line, found, begun[marks[0]], written))
        elif opening:
            begun["["].append((len(written), len(opening)))
            written.append(opening)
        elif closing:
            target = _TARGET.match(line, at)
            start = begun["["].pop()[0] if begun["["] else None
            if target is None or start is None:
                written.append(closing)
                continue
            label = "".join(written[start + 1 :])
            written[start:] = [label, f" ({target[1]})" if target[1] not in ("", label) else ""]
            for places in begun.values():  # what began within the link has no partner behind it
                places[:] = [place for place in places if place[0] < start]
            at = target.end()
    written.append(line[at:])
    return "".join(written)


def _unmarked(line: str, found: re.Match[str], begun: list[tuple[int, int]], written: list[str]) -> str:
    """What is left of marks once they have ended what they end; what is left may begin something."""
    marks = found[0]
    start, end = found.span()
    before, after = line[max(start - 1, 0) : start], line[end : end + 1]
    inside_word = marks[0] == "_" and before.isalnum() and after.isalnum()
    if before.strip() and not inside_word:
        while begun and begun[-1][1] <= len(marks):
            place, length = begun.pop()
            written[place] = ""
            marks = marks[length:]
    if marks and after.strip() and not inside_word:
        begun.append((len(written), len(marks)))
    return marks
