"""The front matter of a note: which value stands where, and how one is set so that no other byte moves. Pure.

A YAML library that writes would move spaces, quotes and comments of others. So PyYAML only says where each value
begins and ends; what changes is put there, and what comes of it is read again and compared before it is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from tasks.services.markdown.yaml_values import write_text

_LOADER: type[yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
_LINE_END = re.compile(r"\r\n|\n|\r")
_BEFORE_ITEM = re.compile(r"[ \t]*-[ \t]+")
#: An edit: from where to where, and what stands there then.
Edit = tuple[int, int, str]


class FrontMatterError(ValueError):
    """It cannot be read, or cannot be written without moving what is somebody else's."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it is written."""

    text: str
    #: The quote around it, `|` or `>` of a block, `None` where it stands plain.
    style: str | None
    start: int = field(compare=False)
    end: int = field(compare=False)

    @property
    def plain(self) -> bool:
        """Whether it stands there without quotes, so that it may be a number, a date, …"""
        return self.style is None


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values."""

    scalars: tuple[Scalar, ...]
    #: Whether it stands in brackets.
    flow: bool


@dataclass(frozen=True, slots=True)
class Other:
    """A value that is not one of these: nested, an alias, with a tag."""

    what: str


Value = Scalar | Items | Other


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value."""

    key: str
    value: Value
    #: Where the key stands; where its colon ends; where the value begins, and where it really ends.
    start: int
    colon: int
    value_start: int
    value_end: int


class FrontMatter:
    """What stands between the fences, as text and as entries.

    Raises:
        FrontMatterError: it is no mapping in YAML.
    """

    def __init__(self, text: str, line_end: str = "\n") -> None:
        self.text = text
        self.line_end = line_end
        self.column = 0
        self.entries: Mapping[str, Entry] = self._read()

    def get(self, key: str) -> Value | None:
        """The value of a key, `None` where there is no such key."""
        entry = self.entries.get(key)
        return entry.value if entry is not None else None

    # -- reading --------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Entry]:
        root = _composed(self.text)
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode):
            raise FrontMatterError("its front matter is no list of `key: value`")
        if root.flow_style:
            raise FrontMatterError("its front matter stands in braces; write it as lines of `key: value`")
        self.column = root.start_mark.column
        found: dict[str, Entry] = {}
        for key, value in root.value:
            if not isinstance(key, yaml.ScalarNode):
                raise FrontMatterError("a key of its front matter is no word")
            if key.value in found:
                raise FrontMatterError(f"its front matter has the key {key.value!r} twice")
            found[key.value] = self._entry(key, value)
        return found

    def _entry(self, key: yaml.ScalarNode, node: yaml.Node) -> Entry:
        start, key_end = key.start_mark.index, key.end_mark.index
        colon = key_end + len(self.text[key_end:]) - len(self.text[key_end:].lstrip(" \t"))
        if self.text[colon : colon + 1] != ":":
            return Entry(key.value, Other("a key of another form"), start, key_end, key_end, key_end)
        colon += 1
        if node.start_mark.index < colon:
            return Entry(key.value, Other("an alias of another value"), start, colon, colon, colon)
        end = self._end(node)
        if isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index:
            return Entry(key.value, Scalar("", None, colon, colon), start, colon, colon, colon)
        return Entry(key.value, self._value(node, colon), start, colon, node.start_mark.index, end)

    def _value(self, node: yaml.Node, after: int) -> Value:
        within = node.value if isinstance(node, yaml.SequenceNode) else ()
        here = [one.start_mark.index for one in (node, *within) if one.start_mark.index >= after]
        if any(self.text[start : start + 1] == "&" for start in here):
            return Other("what other values refer to")
        if node.tag not in _PLAIN_TAGS:
            return Other(f"a value with the tag {node.tag}")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if not isinstance(node, yaml.SequenceNode):
            return Other("keys within a key")
        simple = all(
            isinstance(one, yaml.ScalarNode) and one.tag in _PLAIN_TAGS and one.start_mark.index >= after
            for one in node.value
        )
        if not simple:
            return Other("a list within a list")
        return Items(tuple(self._scalar(one) for one in node.value), bool(node.flow_style))

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        return Scalar(node.value, node.style or None, node.start_mark.index, self._end(node))

    def _end(self, node: yaml.Node) -> int:
        """Where a value really ends: a block's own mark is where the next thing begins."""
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.ScalarNode):
            return int(start + len(self.text[start:end].rstrip()) if node.style in ("|", ">") else end)
        if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
            return int(end)
        last = node.value[-1]
        last = last[1] if isinstance(last, tuple) else last
        if last.start_mark.index < start:  # an alias, which says where its anchor stands
            return int(start + len(self.text[start:end].rstrip()))
        return max(self._end(last), start)

    # -- writing --------------------------------------------------------------------------------------------

    def with_scalar(self, key: str, written: str) -> FrontMatter:
        """With a key set to a value that is given as it is to be written.

        Raises:
            FrontMatterError: that cannot be without moving something else.
        """
        entry = self.entries.get(key)
        if entry is None:
            return self._checked(key, [self._appended(key, f" {written}" if written else "")])
        return self._checked(key, self._replaced(entry, written))

    def with_items(self, key: str, kept: Sequence[Scalar], added: Sequence[str]) -> FrontMatter:
        """With a list that keeps some of its items as they are written, and gets others behind them.

        Raises:
            FrontMatterError: that cannot be without moving something else.
        """
        entry = self.entries.get(key)
        if entry is None:
            pad = self.line_end + " " * self.column + "  - "
            return self._checked(key, [self._appended(key, "".join(pad + one for one in added) or " []")])
        if isinstance(entry.value, Items) and not entry.value.flow and (kept or added):
            return self._checked(key, self._block_edits(entry.value, kept, added))
        parts = [self.text[one.start : one.end] for one in kept] + list(added)
        return self._checked(key, self._replaced(entry, f"[{', '.join(parts)}]"))

    def without(self, key: str) -> FrontMatter:
        """Without a key and its value.

        Raises:
            FrontMatterError: that cannot be without moving something else.
        """
        entry = self.entries.get(key)
        if entry is None:
            return self
        begin, end = self._line_start(entry.start), self._line_stop(entry.value_end)
        if self.text[begin : entry.start].strip() or self.text[entry.value_end : end].strip():
            return self._checked(key, self._replaced(entry, ""))
        return self._checked(key, [(begin, self._after_line(end), "")])

    def _replaced(self, entry: Entry, written: str) -> list[Edit]:
        """What stands there gives way; a comment beside or below the key stays."""
        first = self._line_start(entry.value_start)
        word = f" {written}" if written else ""
        if first > entry.colon:  # the value begins below its key
            below = self._line_stop(entry.colon)
            return [(entry.colon, entry.colon, word), (below, entry.value_end, "")]
        return [(entry.colon, entry.value_end, word)]

    def _appended(self, key: str, value: str) -> Edit:
        end = len(self.text)
        before = "" if not self.text or self.text[-1] in "\r\n" else self.line_end
        return end, end, f"{before}{' ' * self.column}{write_text(key, None)}:{value}{self.line_end}"

    def _block_edits(self, items: Items, kept: Sequence[Scalar], added: Sequence[str]) -> list[Edit]:
        edits: list[Edit] = []
        for one in items.scalars:
            begin = self._line_start(one.start)
            if not _BEFORE_ITEM.fullmatch(self.text[begin : one.start]) and one.text:
                raise FrontMatterError("its list has several items in one line")
            if not any(one is other for other in kept):
                edits.append((begin, self._after_line(self._line_stop(one.end)), ""))
        last = items.scalars[-1]
        begin, stop = self._line_start(last.start), self._line_stop(last.end)
        lead = self.text[begin : self.text.index("-", begin)] + "- "
        after = self._after_line(stop)
        lines = "".join(lead + one + self.line_end for one in added)
        if after == stop and lines:  # the last line of all has no end of its own
            lines = self.line_end + lines
        edits.append((after, after, lines))
        return edits

    def _checked(self, key: str, edits: Sequence[Edit]) -> FrontMatter:
        """The edits carried out, if everything but this key is as it was."""
        text = self.text
        for begin, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
            text = text[:begin] + new + text[end:]
        made = FrontMatter(text, self.line_end)
        if self._others(key) != made._others(key):
            raise FrontMatterError(f"the value of {key} cannot be set without moving other ones")
        return made

    def _others(self, key: str) -> list[tuple[str, str, Value]]:
        return [
            (one.key, self.text[one.start : one.value_end], one.value)
            for one in self.entries.values()
            if one.key != key
        ]

    def _line_start(self, at: int) -> int:
        ends = list(_LINE_END.finditer(self.text, 0, at))
        return ends[-1].end() if ends else 0

    def _line_stop(self, at: int) -> int:
        found = _LINE_END.search(self.text, at)
        return found.start() if found else len(self.text)

    def _after_line(self, stop: int) -> int:
        found = _LINE_END.match(self.text, stop)
        return found.end() if found else stop


def _composed(text: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _LOADER(text)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 2}" if error.problem_mark is not None else ""
        raise FrontMatterError(f"its front matter cannot be read{line}: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise FrontMatterError(f"its front matter cannot be read: {type(error).__name__}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return node
