"""What the drivers of databases say of errors, without the values that were in the way."""

from __future__ import annotations

import re

#: SQLite shows the text that it cannot decode.
QUOTES = re.compile(r"(could not decode to utf-8 column .*?) with text .*", re.IGNORECASE | re.DOTALL)


def drivers_words(error: object) -> str:
    """The first line of a driver's error; further ones hold statements and values."""
    text = QUOTES.sub(r"\1", str(error))
    return (text.strip().splitlines() or ["no reason given"])[0]
