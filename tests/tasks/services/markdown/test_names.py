"""Titles and names of files: a title never changes because of a file system."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.services.markdown.names import LONGEST, folded, free_stem, is_conflict_copy, stem_of, title_of

EXAMPLES = int(os.environ.get("MARKDOWN_EXAMPLES", "100"))
TITLES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=EXAMPLES, deadline=None)
@given(TITLES)
@example("a/b")
@example("..")
@example("conflicted copy")
@example("x.sync-conflict-20260101-101010-ABC")
@example("long " * 80)
@example("e\u0301")
@example("---")
@example("ſ")
def test_any_title_has_a_name_that_every_file_system_takes(title: str) -> None:
    stem = stem_of(title)
    assert stem
    assert not set(stem) & set('\\/:*?"<>|\0\n')
    assert stem == stem.strip()
    assert not stem.startswith(".")
    assert not stem.endswith(".")
    assert len(f"{stem} ~99.md".encode()) <= 143
    assert unicodedata.normalize("NFC", stem) == stem
    assert not is_conflict_copy(stem)
    assert stem_of(stem) == stem
    assert title_of(stem, title) == title
    assert title_of(f"{stem} ~7", title) == title
    assert title_of(unicodedata.normalize("NFD", stem), title) == title
    assert title_of(f"{stem} 2", title) == f"{stem} 2", "somebody gave the file another name"


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Plan", "Plan"),
        ("A/B: what?", "A-B- what-"),
        (".hidden", "hidden"),
        ("CON", "CON-"),
        ("lpt1.x", "lpt1.x-"),
        ("", "Untitled"),
        ("???", "Untitled"),
        ("ends. ", "ends"),
        (" two  spaces ", "two  spaces"),
        ("----", "----"),
        ("x" * 300, "x" * LONGEST),
        ("ö" * 300, "ö" * (LONGEST // 2)),
    ],
)
def test_names_are_like_their_titles(title: str, stem: str) -> None:
    assert stem_of(title) == stem


def test_a_name_that_is_taken_in_any_spelling_is_not_taken_twice() -> None:
    taken = {folded(name) for name in ("plan", "Plan ~2", "cafe\u0301")}
    assert free_stem("PLAN", lambda stem: folded(stem) not in taken) == "PLAN ~3"
    assert free_stem("Café", lambda stem: folded(stem) not in taken) == "Café ~2"


@pytest.mark.parametrize(
    "stem",
    [
        "Note.sync-conflict-20260101-120000-ABCDEFG",
        "Note (Anna's conflicted copy 2026-01-01)",
        "Note (Conflicted copy MacBook 202601011200)",
        "Note (conflict 2026-01-01-10-20-30)",
        "Note_conflict-20260101",
    ],
)
def test_copies_of_other_programs_are_known(stem: str) -> None:
    assert is_conflict_copy(stem)
    assert not is_conflict_copy("How to solve a conflict")
