"""Settings from the environment, `.env` and `lockstep.toml`, in that order of precedence."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
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
        "redis_shards",
        "broker_url",
        "database_url",
        "notion_token",
        "notion_webhook_secret",
        "sentry_dsn",
        "flower_basic_auth",
        "alert_urls",
        "metrics_token",
        "ping",
        "web_password",
        "web_readonly_password",
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

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    redis_url: SecretStr | None = None
    """Redis for queue, locks and schedule: `redis://host:6379/0`, `rediss://` for TLS,
    `unix:///path/redis.sock?db=0`, or `sentinel://host1:26379,host2:26379/0?service=mymaster`. Without it
    `lockstep up` starts one"""
    redis_verify: bool = True
    """set to `false` for a `rediss://` or `sentinels://` server whose certificate no authority signed"""
    broker_url: SecretStr | None = None
    """RabbitMQ for the queue, `amqp://user:password@host:5672/vhost`, or `amqps://` for TLS; locks and schedule stay in
    Redis. Without it the queue is in Redis, too"""
    database_url: SecretStr | None = None
    """links, bases, history, conflicts: `sqlite:///` and a file, or `postgresql://`; without it SQLite in the state
    directory"""
    notion_token: SecretStr | None = None
    """secret of a Notion integration"""
    notion_base_url: str = "https://api.notion.com"
    """another address of the Notion API, such as that of a local workspace"""
    notion_webhook_secret: SecretStr | None = None
    """token of the webhook subscription, see the page about webhooks; several with commas between them"""
    notion_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    """requests per second that Notion grants a token; all workers together stay just below"""
    notion_lag_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60.0
    """how long Notion's queries may lack a row that was just made, in seconds; a create that was cut off is not tried
    again before"""
    sentry_dsn: SecretStr | None = None
    """where errors and cron check-ins are reported; without it nothing is sent"""
    flower_basic_auth: SecretStr | None = None
    """`user:password` that Flower asks for; several with commas between them"""
    alert_urls: SecretStr | None = None
    """whom alerts are told, in addresses of apprise with commas or spaces between them
    (see the page about monitoring)"""
    alert_periods: Annotated[int, Field(ge=1)] = 3
    """periods without a success after which a task is an alert"""
    alert_login_days: Days = 14
    """days before a token expires from which on it is an alert"""
    metrics_token: SecretStr | None = None
    """what who reads `/metrics` from another machine has to send as a bearer token; without it only this machine may"""
    ping: SecretStr | None = None
    """address of a check of Healthchecks that beat pings while it and a worker live"""
    sentry_traces: Annotated[float, Field(ge=0, le=1)] = 0.0
    """the share of runs, from 0 to 1, of which Sentry gets a trace"""
    web_password: SecretStr | None = None
    """lets do all that the dashboard offers; the password, or its Argon2id hash"""
    web_readonly_password: SecretStr | None = None
    """lets look at it"""
    web_dashboard: bool = True
    """set to `false` where the web process is for webhooks and database nodes only"""
    web_user_header: Annotated[str, AfterValidator(checks.header_name)] | None = None
    """header in which a proxy that asks for a login names the user"""
    web_groups_header: Annotated[str, AfterValidator(checks.header_name)] | None = None
    """header with the user's groups, with commas between them"""
    web_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(checks.network)], ...], BeforeValidator(_split)
    ] = ()
    """addresses or networks of the proxies that are believed, with commas between them"""
    web_operators: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    """users and groups of the proxy that may act on the dashboard, all others only look; without it all may act"""
    tasks: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    """modules that define tasks, with commas between them"""
    state_dir: Path = Path(".lockstep")
    """directory of the default database, the embedded Redis and small files"""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`"""
    log_format: Literal["text", "json"] = "text"
    """`text`, or `json` for one object a line"""
    lease_seconds: Annotated[float, Field(gt=0.5, allow_inf_nan=False)] = 30.0
    """seconds without a sign of life after which another worker may take a node over"""
    retry_seconds: Seconds = 30.0
    """seconds after which a one-shot run that was lost is sent again"""
    redis_shards: SecretStr | None = None
    """further Redis servers, with commas between them: tasks are divided by name among them and that of `REDIS_URL`
    (see the page about scaling)"""
    shard: Annotated[int, Field(ge=0)] | None = None
    """which of several Redis servers a beat or worker serves: 0 is that of `REDIS_URL`, 1 the first further one"""
    worker_concurrency: Annotated[int, Field(ge=1)] | None = None
    """runs at once in one worker process; without it the pool's number"""
    soft_time_limit: Seconds = 1500.0
    """seconds after which a run is cancelled"""
    time_limit: Seconds = 1800.0
    """seconds after which a run that was cancelled and did not end is given up"""
    keep_runs_days: Days = 30
    """days that runs stay in the history"""
    keep_skipped_days: Days = 7
    """the same for runs that were skipped, such as those that met a busy node"""
    keep_undo_days: Days = 30
    """days that a run can be undone"""
    keep_conflicts_days: Days = 365
    """days that settled conflicts stay in the ledger"""
    keep_plans_days: Days = 30
    """days that a plan is kept after a run halted with it last, or after it was applied"""
    sync: Annotated[tuple[dict[str, Any], ...], Field(repr=False)] = ()
    """a table for each task of two services"""
    node: Annotated[tuple[dict[str, Any], ...], Field(repr=False)] = ()
    """a table for each database node"""

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

    @model_validator(mode="after")
    def _shards_fit(self) -> Settings:
        further = [] if self.redis_shards is None else checks.addresses(self.redis_shards.get_secret_value())
        if further and self.redis_url is None:
            raise ValueError(
                "LOCKSTEP_REDIS_SHARDS is set without REDIS_URL: name the first of the servers there, which also holds "
                "what all of them share"
            )
        every = further if self.redis_url is None else [self.redis_url.get_secret_value(), *further]
        if len(set(every)) < len(every):
            raise ValueError(
                "LOCKSTEP_REDIS_SHARDS names a server twice, or that of REDIS_URL again: give each of them once"
            )
        if further and self.broker_url is not None:
            raise ValueError(
                "LOCKSTEP_BROKER_URL and LOCKSTEP_REDIS_SHARDS are both set: tasks that are divided among Redis "
                "servers have their queues there, so leave one of the two out"
            )
        if self.shard is not None and self.shard > len(further):
            use = f"use 0 to {len(further)}" if further else "set LOCKSTEP_REDIS_SHARDS, too"
            raise ValueError(f"LOCKSTEP_SHARD is {self.shard}, and there is no such Redis server: {use}")
        return self

    @model_validator(mode="after")
    def _proxies_are_named(self) -> Settings:
        if self.web_user_header is not None and not self.web_proxies:
            raise ValueError(
                "LOCKSTEP_WEB_USER_HEADER is set without LOCKSTEP_WEB_PROXIES: anybody could send that header, so name "
                "the addresses of the proxies that are believed, for instance 127.0.0.1"
            )
        if self.web_user_header is None and (self.web_groups_header is not None or self.web_operators):
            raise ValueError(
                "LOCKSTEP_WEB_OPERATORS and LOCKSTEP_WEB_GROUPS_HEADER are about users that a proxy names: set "
                "LOCKSTEP_WEB_USER_HEADER, too"
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

    def alert_addresses(self) -> list[str]:
        """Whom alerts are told, each by itself."""
        return [] if self.alert_urls is None else checks.addresses(self.alert_urls.get_secret_value())

    def webhook_secrets(self) -> list[SecretStr]:
        """The tokens of all webhook subscriptions, each by itself."""
        if self.notion_webhook_secret is None:
            return []
        parts = self.notion_webhook_secret.get_secret_value().split(",")
        return [SecretStr(part.strip()) for part in parts if part.strip()]

    def redis_address(self) -> str:
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
        if url.startswith(("rediss://", "sentinels://")) and "ssl_cert_reqs=" not in url:
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
            return (
                "use a number"
                if error["loc"] in {("notion_rate",), ("sentry_traces",)}
                else "use a number of seconds"
            )
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
