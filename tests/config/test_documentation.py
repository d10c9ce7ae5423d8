from __future__ import annotations

import re
from pathlib import Path

from config import Settings
from config.sources import TABLES, variable_name

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_variable_and_no_other_is_in_the_table() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert documented == {variable_name(name) for name in Settings.model_fields if name not in TABLES}


def test_the_defaults_are_right() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+?)`? \|", PAGE.read_text(), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        if name not in TABLES and isinstance(field.default, str | float | bool | Path):
            default = field.default
            shown = (
                str(default).lower()
                if isinstance(default, bool)
                else f"{default:g}"
                if isinstance(default, float)
                else str(default)
            )
            assert rows[variable_name(name)] == shown
