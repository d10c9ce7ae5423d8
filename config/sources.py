"""Where settings come from: variables of the environment or of `.env`, and `lockstep.toml`."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import Binding, Original, parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config.errors import SettingsError
from config.misspelt import misspelt
from config.texts import decoded, parted

DOTENV_FILE = Path(".env")
TOML_FILE = Path("lockstep.toml")
#: Names another file than that; child processes inherit it.
CONFIG_VARIABLE = "LOCKSTEP_CONFIG"
LINE_END = re.compile(r"\r\n|\n|\r")

#: Names that hosts and services already use; every other variable begins with `LOCKSTEP_`.
SHARED_NAMES = frozenset(
    {
        "redis_url",
        "database_url",
        "notion_token",
        "notion_base_url",
        "notion_webhook_secret",
        "sentry_dsn",
        "flower_basic_auth",
        "alert_urls",
        "metrics_token",
        "web_password",
        "web_readonly_password",
    }
)
#: Variables that are no settings and that this package reads all the same.
LOGINS = frozenset(
    {
        CONFIG_VARIABLE,
        "CALDAV_USERNAME",
        "CALDAV_PASSWORD",
        "GOOGLE_TASKS_BASE_URL",
        "GOOGLE_TASKS_SERVICE_ACCOUNT",
        "GOOGLE_TASKS_TOKEN_FILE",
        "SQL_URL",
        "SQL_PASSWORD",
    }
)
#: Settings that are tables and stand in `lockstep.toml` only.
TABLES = frozenset({"sync", "node"})


def variable_name(field: str) -> str:
    """The environment variable of a setting: `log_level` is `LOCKSTEP_LOG_LEVEL`."""
    return field.upper() if field in SHARED_NAMES else f"LOCKSTEP_{field.upper()}"


def read_dotenv() -> dict[str, str]:
    """The variables that `.env` sets; empty without such a file.

    Raises:
        SettingsError: the file is there and cannot be read, or has a line that sets no variable.
    """
    try:
        _, text = parted(decoded(DOTENV_FILE.read_bytes(), ".env"))
    except (FileNotFoundError, IsADirectoryError):  # some keep a virtual environment under this name
        return {}
    except OSError as error:
        raise SettingsError(f".env cannot be read: {error.strerror or error}") from None
    problems = [_junk(each.original) for each in parse_stream(StringIO(text)) if _is_junk(each)]
    if problems:
        raise SettingsError(problems)
    variables = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in variables.items() if value is not None}


def _is_junk(binding: Binding) -> bool:
    return binding.error or (binding.key is not None and binding.value is None)


def _junk(original: Original) -> str:
    """One line about a place of `.env`, without what stands there: it may be a secret."""
    blank = original.string[: len(original.string) - len(original.string.lstrip())]
    line = original.line + len(LINE_END.findall(blank))
    return f".env, line {line}, sets no variable: write NAME=value, quotes closed, or put # before a remark"


def misspelt_variables(settings_cls: type[BaseSettings]) -> list[str]:
    """One line for each variable that seems to mean a setting and sets none.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    known = {variable_name(field) for field in settings_cls.model_fields if field not in TABLES}
    return misspelt(read_dotenv(), os.environ, known | LOGINS, TABLES)


def toml_file() -> Path:
    """The file of settings and tasks: `lockstep.toml`, or the one that `LOCKSTEP_CONFIG` names."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else TOML_FILE


def read_toml() -> dict[str, Any]:
    """The content of `lockstep.toml`; empty without such a file.

    Raises:
        SettingsError: the file cannot be read or is not TOML; or it was named, and is not there.
    """
    file = toml_file()
    try:
        _, text = parted(decoded(file.read_bytes(), str(file)))
        return tomllib.loads(LINE_END.sub("\n", text))
    except FileNotFoundError:
        if file is TOML_FILE:
            return {}
        raise SettingsError(f"there is no file {file}, which --config or {CONFIG_VARIABLE} names") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}") from None


class VariableSource(PydanticBaseSettingsSource):
    """Settings from named variables; one that is empty counts as not set."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self.variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The variable's text, or `None` when it is not set."""
        value = None if field_name in TABLES else self.variables.get(variable_name(field_name))
        return (value or None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All settings that have a variable."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


class TomlSource(PydanticBaseSettingsSource):
    """Settings from `lockstep.toml`, whose keys are the settings' names in lower case."""

    def __init__(self, settings_cls: type[BaseSettings], content: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self.content = content

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The key's value, or `None` when the file does not have it."""
        return self.content.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The whole file.

        Raises:
            SettingsError: a key is not a setting.
        """
        known = list(self.settings_cls.model_fields)
        problems = []
        for key in self.content:
            if key not in known:
                nearest = difflib.get_close_matches(key.lower().removeprefix("lockstep_"), known, n=1)
                mend = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
                problems.append(f"{toml_file()} has an unknown key {key!r}: {mend}")
        if problems:
            raise SettingsError(problems)
        return dict(self.content)


def origin(field: str) -> str:
    """How a message names a setting: by its variable, or by its key where only the file sets it."""
    name = variable_name(field)
    in_file = field in TABLES or (
        field in read_toml() and not os.environ.get(name) and not read_dotenv().get(name)
    )
    return f"{field} in {toml_file()}" if in_file else name
