"""The types of most values, of which little has to be asked."""

from __future__ import annotations

from types import NoneType

#: Values of exactly these types are kept as they are in JSON, hold no others, and mean the same where two of one type
#: are equal.
PLAIN = frozenset({str, int, bool, NoneType})
