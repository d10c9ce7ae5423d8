"""Numbers of things in sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.starting import ROOT
from worker.telling.numbers import some

#: A number and a word of many right after it, where one may be: `{len(states)} checks`.
COUNTED = re.compile(r"\{[^{}\"']*\b(?:len|sum)\([^{}\"']*\} [a-z]+s\b|\{many\} [a-z]+s\b")


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (0, ("check",), "0 checks"),
        (1, ("check",), "1 check"),
        (2, ("check",), "2 checks"),
        (1200, ("pair is", "pairs are"), "1,200 pairs are"),
        (1, ("process", "processes"), "1 process"),
    ],
)
def test_one_is_not_many(number: int, words: tuple[str, ...], told: str) -> None:
    assert some(number, *words) == told


@pytest.mark.parametrize(
    "file", sorted((ROOT / "worker").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_no_message_counts_one_as_many(file: Path) -> None:
    assert COUNTED.findall(file.read_text("utf-8")) == []
