"""Setting variables in the text of a `.env`, all else byte for byte as it was."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from config.errors import SettingsError
from config.texts import line_end, parted


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text of a `.env` that sets these variables besides: in place where it sets them, else at the end.

    Raises:
        SettingsError: a value cannot be written there.
    """
    mark, text = parted(text)
    end = line_end(text)
    parts: list[str] = []
    left = dict(variables)
    for binding in parse_stream(StringIO(text, newline="")):
        said = binding.original.string
        if binding.key in variables and not binding.error:
            if binding.key not in left:  # a second line of the same name would win over the first
                continue
            blank = said[: len(said) - len(said.lstrip())]
            parts.append(f"{blank}{_line(binding.key, left.pop(binding.key))}{end}")
        else:
            parts.append(said)
    made = "".join(parts)
    if left and made and not made.endswith(("\n", "\r")):
        made += end
    made += "".join(f"{_line(name, value)}{end}" for name, value in left.items())
    read = dotenv_values(stream=StringIO(made))
    for name, value in variables.items():
        if read.get(name) != value:
            raise SettingsError(f"{name} has signs that .env cannot hold: set it in the environment instead")
    return mark + made


def _line(name: str, value: str) -> str:
    if value and all(sign.isalnum() or sign in "_-.:/@+=,~%" for sign in value):
        return f"{name}={value}"
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'"
