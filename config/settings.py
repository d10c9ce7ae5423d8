"""Settings from the environment, `.env` and `lockstep.toml`, in that order of precedence."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import checks
from config.errors import SettingsError
from config.private_files import close_directory
from config.redactor import Redactor
from config.sources import TomlSource, VariableSource, misspelt_variables, origin, read_dotenv, read_toml

__all__ = ["Settings", "SettingsError", "get_settings", "load_settings"]

SECRETS = frozenset(
    {
        "redis_url",
        "database_url",
        "notion_token",
        "notion_webhook_secret",
        "sentry_dsn",
        "flower_basic_auth",
    }
)

#: At least one: a message may be in the queue for hours, and must be known to have run when it comes.
Days = Annotated[int, Field(ge=1, le=36_500)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _split(value: Any) -> Any:
    """Read `a, b` from an environment variable as `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class Settings(BaseSettings):
    """All that an installation sets from outside.

    The variable of a setting is its name in capitals, with `LOCKSTEP_` before it except for the names in
    `config.sources.SHARED_NAMES`. In `lockstep.toml` the key is the plain name; secrets may stand there too,
    but the environment is the better place for them. Use `load_settings` or `get_settings`, whose errors
    are made for people.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: Broker, results, locks and schedule; `None` means the embedded server of `lockstep up`.
    redis_url: SecretStr | None = None
    #: Set to false to accept a `rediss://` server whose certificate no authority signed (Heroku's are such).
    redis_verify: bool = True
    #: Links, bases, journal and history; the default is SQLite in the state directory.
    database_url: SecretStr | None = None
    notion_token: SecretStr | None = None
    notion_base_url: str = "https://api.notion.com"
    #: Tokens of webhook subscriptions, with commas between them: events must be signed with one of them.
    notion_webhook_secret: SecretStr | None = None
    #: Requests per second that Notion grants one token; all workers together stay just below.
    notion_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    #: How long Notion's queries may lack a row that was just made: a create that was cut off waits so long.
    notion_lag_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60.0
    sentry_dsn: SecretStr | None = None
    #: `user:password` that Flower asks for.
    flower_basic_auth: SecretStr | None = None
    #: Further modules that define tasks, besides `lockstep.toml`.
    tasks: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    #: Where the default database, the embedded Redis and small files are kept.
    state_dir: Path = Path(".lockstep")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    #: Seconds without a heartbeat after which another worker may take a node over.
    lease_seconds: Annotated[float, Field(gt=0.5, allow_inf_nan=False)] = 30.0
    #: Seconds after which a one-shot run that was lost is sent again.
    retry_seconds: Seconds = 30.0
    #: Runs at once in one worker process; `None` leaves it to the pool.
    worker_concurrency: Annotated[int, Field(ge=1)] | None = None
    #: Seconds after which a run is cancelled, and after which it is given up if that did not end it.
    soft_time_limit: Seconds = 1500.0
    time_limit: Seconds = 1800.0
    #: Days that runs stay in the history; the last one of each task stays, and what counts towards a total.
    keep_runs_days: Days = 30
    #: The same for runs that were skipped, such as those of a node that was busy.
    keep_skipped_days: Days = 7
    #: Days that a run can be undone.
    keep_undo_days: Days = 30
    #: Days that conflicts which are settled stay in the ledger. Open ones stay.
    keep_conflicts_days: Days = 365
    #: Days that a plan is kept after a run halted with it last, or after it was applied.
    keep_plans_days: Days = 30
    #: Tables `[[sync]]` of `lockstep.toml`, each a task; read by `tasks.tables`.
    sync: Annotated[tuple[dict[str, Any], ...], Field(repr=False)] = ()
    #: Tables `[[node]]`, each a database node; read by `tasks.database.sql.declared`.
    node: Annotated[tuple[dict[str, Any], ...], Field(repr=False)] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before `.env` before `lockstep.toml`."""
        return (
            init_settings,
            VariableSource(settings_cls, os.environ),
            VariableSource(settings_cls, read_dotenv()),
            TomlSource(settings_cls, read_toml()),
        )

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _fold(cls, value: Any, info: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "log_level" else value.lower()

    @field_validator(*sorted(SECRETS))
    @classmethod
    def _check_secret(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        if value is None:
            return None
        return SecretStr(getattr(checks, info.field_name)(value.get_secret_value()))

    @field_validator("notion_base_url")
    @classmethod
    def _check_web_url(cls, value: str) -> str:
        return checks.web_url(value)

    @field_validator("state_dir")
    @classmethod
    def _check_state_dir(cls, value: Path) -> Path:
        return checks.state_dir(value)

    @model_validator(mode="after")
    def _limits_in_order(self) -> Settings:
        if self.soft_time_limit >= self.time_limit:
            raise ValueError(
                f"LOCKSTEP_SOFT_TIME_LIMIT ({self.soft_time_limit:g} s) is not below LOCKSTEP_TIME_LIMIT "
                f"({self.time_limit:g} s): leave some seconds between them, in which a run can end cleanly"
            )
        return self

    def sql_url(self) -> str:
        """The database's address in SQLAlchemy's form, with the driver that is installed."""
        if self.database_url is None:
            return f"sqlite:///{self.state_dir.resolve() / 'lockstep.db'}"
        url = self.database_url.get_secret_value()
        for scheme in ("postgres://", "postgresql://"):
            if url.startswith(scheme):
                return "postgresql+psycopg://" + url.removeprefix(scheme)
        return url

    def webhook_secrets(self) -> list[SecretStr]:
        """The tokens of all webhook subscriptions, each by itself."""
        if self.notion_webhook_secret is None:
            return []
        parts = self.notion_webhook_secret.get_secret_value().split(",")
        return [SecretStr(part.strip()) for part in parts if part.strip()]

    def broker_url(self) -> str:
        """The Redis address as redis-py accepts it; `config.redis_address.for_celery` makes Celery's of it.

        Raises:
            SettingsError: no `REDIS_URL` is set.
        """
        if self.redis_url is None:
            raise SettingsError(
                "REDIS_URL is not set: give the address of a Redis server, for instance "
                "REDIS_URL=redis://localhost:6379/0, or start everything with `lockstep up`"
            )
        url = self.redis_url.get_secret_value()
        if url.startswith("rediss://") and "ssl_cert_reqs" not in url:
            mode = "required" if self.redis_verify else "none"
            url += ("&" if "?" in url else "?") + f"ssl_cert_reqs={mode}"
        return url


def _mend(error: ErrorDetails) -> str:
    """What to do about one finding of pydantic, in words."""
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return "use one of " + str(context["expected"]).replace("'", "").replace(" or ", ", ")
        case "bool_parsing" | "bool_type":
            return "use true or false"
        case "float_parsing" | "float_type" | "finite_number":
            return "use a number" if error["loc"] == ("notion_rate",) else "use a number of seconds"
        case "int_parsing" | "int_type" | "int_from_float":
            return "use a whole number"
        case "greater_than":
            return f"use a number above {context['gt']:g}"
        case "greater_than_equal":
            return f"use {context['ge']:g} or more"
        case "less_than_equal":
            return f"use {context['le']:g} or less"
        case _:
            return error["msg"]


def _problem(error: ErrorDetails) -> str:
    """One line for one finding: the variable, what is wrong, the mend."""
    if not error["loc"]:
        return str(error["ctx"]["error"])
    field = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{field} is not a setting"
    name = origin(field)
    if error["type"] == "value_error":
        shown = "" if field in SECRETS else f" ({Redactor().text(str(error['input']))})"
        return f"{name}{shown} {error['ctx']['error']}"
    if field in SECRETS:
        return f"{name} cannot be read: {_mend(error)}"
    if field in {"sync", "node"}:
        return f"{name} cannot be read: write each {'task' if field == 'sync' else 'node'} as a table [[{field}]]"
    return f"{name} is {error['input']!r}: {_mend(error)}"


def load_settings(**values: Any) -> Settings:
    """Read the settings now; `values` come before every other source.

    Raises:
        SettingsError: a variable has a value that does not fit or a name with a slip, or a file cannot be read.
    """
    problems = misspelt_variables(Settings)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += dict.fromkeys(_problem(each) for each in error.errors())
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(problems)
    return settings


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once.

    Variables of `.env` that are not settings, such as the login of a service, are put into the environment
    where they are not set there: tasks read them from it, and child processes inherit them. The state directory
    is closed to other users of the machine.

    Raises:
        SettingsError: a variable has a value that does not fit, or a file cannot be read.
    """
    settings = load_settings()
    for name, value in read_dotenv().items():
        os.environ.setdefault(name, value)
    close_directory(settings.state_dir)
    return settings
