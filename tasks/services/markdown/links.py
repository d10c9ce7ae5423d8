"""Links between notes, `[[Title]]`, as ids of the notes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from tasks.services.markdown.names import SUFFIX, folded

_LINK = re.compile(r"\[\[([^\[\]|#^]+)(?:[#^][^\[\]|]*)?(?:\|[^\[\]]*)?\]\]")


@dataclass(frozen=True)
class Links:
    """What links of a folder lead to."""

    #: The note's id by its path.
    ids: Mapping[str, str] = field(default_factory=dict)
    #: The ids of notes that were renamed here, by the paths that they had: what leads there leads to no other note.
    former: Mapping[str, str] = field(default_factory=dict)

    def target(self, text: str) -> str:
        """The id of the note that a link leads to.

        Raises:
            ValueError: it is no link, or leads to none or to several.
        """
        found = _LINK.fullmatch(text.strip())
        if found is None:
            raise ValueError("is no link such as [[Title]]")
        name = found[1].strip()
        sought = folded(name.removesuffix(SUFFIX))
        there = self._by_path.get(sought) or self._by_name.get(sought) or self._formerly(sought)
        if len(there) != 1:
            raise ValueError(f"leads to {'no note' if not there else 'several notes'}: [[{name}]]")
        return there[0]

    def link(self, note_id: str) -> str:
        """The link to a note: by its name where that is its alone, else by its path.

        Raises:
            ValueError: no note has this id.
        """
        path = next((path for path, one in self.ids.items() if one == note_id), None)
        if path is None:
            raise ValueError(f"no note of the folder has the id {note_id}")
        stem = PurePosixPath(path).name.removesuffix(SUFFIX)
        return f"[[{stem if len(self._by_name[folded(stem)]) == 1 else path.removesuffix(SUFFIX)}]]"

    def _formerly(self, sought: str) -> list[str]:
        """The notes that were called so before their title changed at the other side."""
        for name_of in (str, lambda path: PurePosixPath(path).name):
            found = {
                note_id
                for path, note_id in self.former.items()
                if folded(name_of(path).removesuffix(SUFFIX)) == sought
            }
            there = sorted(found.intersection(self.ids.values()))
            if there:
                return there
        return []

    @cached_property
    def _by_path(self) -> Mapping[str, list[str]]:
        return self._grouped(lambda path: path)

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        return self._grouped(lambda path: PurePosixPath(path).name)

    def _grouped(self, name_of: Callable[[str], str]) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, note_id in self.ids.items():
            found.setdefault(folded(name_of(path).removesuffix(SUFFIX)), []).append(note_id)
        return found
