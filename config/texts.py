"""Text files as people's editors write them: UTF-8, some with a mark in front, some with CR LF at the end of lines."""

from __future__ import annotations

import codecs

from config.errors import SettingsError

#: What some editors put first. It belongs to the file, not to what the file says.
MARK = "\ufeff"
_OTHERS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),  # the first begins like UTF-16
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


def decoded(data: bytes, name: str) -> str:
    """What a file holds as text: the mark, if it has one, and its ends of lines as they are.

    Args:
        data: what the file holds.
        name: what a message calls it.

    Raises:
        SettingsError: it is in another encoding.
    """
    for encoding, marks in _OTHERS.items():
        if data.startswith(marks):
            raise SettingsError(f"{name} is in {encoding}: save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(f"{name} is not UTF-8 from line {line} on: save it in that encoding") from None


def parted(text: str) -> tuple[str, str]:
    """The mark, or nothing, and what the file says."""
    said = text.removeprefix(MARK)
    return text[: len(text) - len(said)], said


def line_end(text: str) -> str:
    """With what the lines of a file end."""
    return "\r\n" if "\r\n" in text else "\n"
