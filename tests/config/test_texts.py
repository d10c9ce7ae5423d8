"""Files as editors write them: with a mark or without, with either end of lines; and what is refused."""

from __future__ import annotations

import codecs
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import SettingsError
from config.texts import MARK, decoded, line_end, parted

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "50"))


@settings(max_examples=EXAMPLES)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MARK)), st.booleans())
def test_every_text_comes_back_with_its_mark(text: str, marked: bool) -> None:
    data = text.encode("utf-8-sig" if marked else "utf-8")
    whole = decoded(data, "file")
    assert whole.encode() == data
    assert parted(whole) == (MARK if marked else "", text)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (codecs.BOM_UTF16_LE + "a = 1".encode("utf-16-le"), "x.toml is in UTF-16: save it as UTF-8"),
        (codecs.BOM_UTF16_BE + "a = 1".encode("utf-16-be"), "x.toml is in UTF-16: save it as UTF-8"),
        (codecs.BOM_UTF32_LE + "a = 1".encode("utf-32-le"), "x.toml is in UTF-32: save it as UTF-8"),
        (codecs.BOM_UTF32_BE + "a = 1".encode("utf-32-be"), "x.toml is in UTF-32: save it as UTF-8"),
        ("a = 1\nb = 'ü'".encode("latin-1"), "x.toml is not UTF-8 from line 2 on: save it in that encoding"),
    ],
)
def test_another_encoding_is_told_with_the_mend(data: bytes, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        decoded(data, "x.toml")
    assert str(refused.value) == told


def test_the_end_of_lines() -> None:
    assert line_end("a\r\nb\n") == "\r\n"
    assert line_end("a\nb") == line_end("") == "\n"
