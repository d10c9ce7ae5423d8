"""Ids of objects (UUIDs) and of columns (a few printable characters, percent-encoded in answers)."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Container
from urllib.parse import quote, unquote

#: What JavaScript's encodeURIComponent leaves alone.
_UNRESERVED = "-_.!~*'()"
_COLUMN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:;<=>?@[]\\^_`{|}~"
_UUID = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[1-8][0-9a-f]{3}\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}|0{32}|0{8}(-0{4}){3}-0{12}"
)
_random = random.SystemRandom()

#: The page that every new workspace has, shared with every token.
ROOT_PAGE_ID = "10c65e9a-0000-4000-8000-000000000001"
WORKSPACE_ID = "10c65e9a-0000-4000-8000-000000000002"
PERSON_ID = "10c65e9a-0000-4000-8000-000000000003"
TITLE = "title"


def new_id() -> str:
    """A fresh object id."""
    return str(uuid.uuid4())


def parse_id(value: object) -> str | None:
    """The id with dashes, of one written with or without; None when it is no UUID of a known version and variant.

    The nil UUID, all zeros, is one.
    """
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
        return None
    return str(uuid.UUID(value))


def bot_id(token: str) -> str:
    """The user id of the integration that a token belongs to: the same for the same token."""
    return str(uuid.uuid5(uuid.UUID(WORKSPACE_ID), token))


def new_column_id(taken: Container[str]) -> str:
    """A fresh column id of four characters, decoded."""
    while True:
        column = "".join(_random.choices(_COLUMN_ALPHABET, k=4))
        if column not in taken:
            return column


def encode_column_id(column: str) -> str:
    """The id as answers show it."""
    return quote(column, safe=_UNRESERVED)


def decode_column_id(column: str) -> str:
    """The id as it is stored."""
    return unquote(column)
