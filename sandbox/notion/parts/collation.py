"""The order of texts as people expect it: numbers inside them count as numbers, and case only decides ties."""

from __future__ import annotations

import unicodedata
from itertools import groupby

#: A place in the order of single characters, or of whole numbers: class, length of the number, its digits or text.
Part = tuple[int, int, str]
TextKey = tuple[tuple[Part, ...], str, str]

_SIGN, _NUMBER, _LETTER = range(3)


def text_key(text: str) -> TextKey:
    """Sorts signs before numbers before letters, then letters without accents and small ones first."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    return _parts(bare), _without_zeros(folded), _without_zeros(text.swapcase())


def _parts(text: str) -> tuple[Part, ...]:
    found: list[Part] = []
    for is_number, group in groupby(text, str.isdecimal):
        if is_number:
            digits = "".join(str(unicodedata.digit(char)) for char in group).lstrip("0")
            found.append((_NUMBER, len(digits), digits))
        else:
            found += [
                (_SIGN if unicodedata.category(char)[0] in "PSZC" else _LETTER, 0, char) for char in group
            ]
    return tuple(found)


def _without_zeros(text: str) -> str:
    """The text with every number written plainly, as `007` and `7` are the same."""
    groups = ((is_number, "".join(group)) for is_number, group in groupby(text, str.isdecimal))
    return "".join(part.lstrip("0") or "0" if is_number else part for is_number, part in groups)
