"""Links to files that are no notes, `[[plan.pdf]]`, as files with what they hold. Pure, but for a look at the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from tasks.services.markdown.names import folded
from tasks.sides import File

_WIKI = re.compile(r"!?\[\[([^\[\]|#^]+)(?:[#^][^\[\]|]*)?(?:\|([^\[\]]*))?\]\]")
_PLAIN = re.compile(r"!?\[((?:\\.|[^\[\]\\])*)\]\((?:<([^<>\n]*)>|([^<>()\s]*))\)")
_WEB = re.compile(r"https?://\S+")
#: Signs of a name that has no place in a link between double brackets.
_ODD = re.compile(r"[\[\]|#^\n]")


def _none(path: str) -> tuple[str, int]:
    raise ValueError(f"leads to no file: {path}")


@dataclass(frozen=True)
class FileLinks:
    """What links to files lead to."""

    #: Paths of all files of the folder that are no notes.
    paths: Collection[str] = ()
    #: What a file holds, by its path: the word for its bytes, and how many they are; `ValueError` where nobody knows.
    content: Callable[[str], tuple[str, int]] = _none

    def read(self, text: str) -> File:
        """The file that a text names: by a link, by its path, or by an address on the web.

        Raises:
            ValueError: there is none, or there are several, or it cannot be read.
        """
        text = text.strip()
        if _WEB.fullmatch(text):
            return File.link(name_of(text), text)
        if found := _WIKI.fullmatch(text):
            return self._file(found[1].strip(), found[2])
        if found := _PLAIN.fullmatch(text):
            name, target = re.sub(r"\\(.)", r"\1", found[1]), found[2] or found[3] or ""
            if _WEB.fullmatch(target):
                return File.link(name, target)
            return self._file(target if self._there(target) else unquote(target), name)
        return self._file(text, None)

    def written(self, file: File) -> str:
        """The text that names a file: one of the folder by its path, which is its place."""
        target = file.address or file.place
        if file.address is not None and name_of(target) == file.name:
            return target
        own = PurePosixPath(target).name == file.name
        if file.address is None and (own or not _ODD.search(file.name)) and not _ODD.search(target):
            return f"[[{target}]]" if own else f"[[{target}|{file.name}]]"
        name = re.sub(r"([\\\[\]])", r"\\\1", file.name)
        return f"[{name}]({target})" if re.fullmatch(r"[^<>()\s]+", target) else f"[{name}](<{target}>)"

    def _file(self, target: str, name: str | None) -> File:
        there = self._there(target)
        if len(there) != 1:
            raise ValueError(f"leads to {'no file' if not there else 'several files'}: {target}")
        content, size = self.content(there[0])
        return File(name or PurePosixPath(target).name, content, size, there[0])

    def _there(self, target: str) -> list[str]:
        target = target.removeprefix("./").strip("/")
        if target in self._exact:
            return [target]
        return self._by_path.get(folded(target)) or self._by_name.get(folded(target), [])

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def _by_path(self) -> dict[str, list[str]]:
        return self._grouped(lambda path: path)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._grouped(lambda path: PurePosixPath(path).name)

    def _grouped(self, name: Callable[[str], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(folded(name(path)), []).append(path)
        return found


def name_of(address: str) -> str:
    """What a link is called that has no name of its own: the last part of its address."""
    url = urlsplit(address)
    return unquote(PurePosixPath(url.path).name) or url.netloc
