"""Settings from the environment, `.env` and `lockstep.toml`, in that order of precedence."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable and the mend."""


def _split(value: Any) -> Any:
    """Read `a, b` from an environment variable as `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class Settings(BaseSettings):
    """All that an installation sets from outside.

    In `lockstep.toml` the same names are written in lower case; secrets may stand there too, but the
    environment is the better place for them.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        toml_file="lockstep.toml",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    #: Broker, results, locks and schedule; `None` means the embedded server of `lockstep up`.
    redis_url: SecretStr | None = None
    #: Accept a `rediss://` server whose certificate no authority signed (Heroku's are such).
    redis_verify: bool = True
    #: Links, bases, journal and history; the default is SQLite in the state directory.
    database_url: SecretStr | None = None
    notion_token: SecretStr | None = None
    notion_base_url: str = "https://api.notion.com"
    sentry_dsn: SecretStr | None = None
    #: `user:password` that Flower asks for.
    flower_basic_auth: SecretStr | None = None
    #: Further modules that define tasks, besides `lockstep.toml`.
    tasks: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), validation_alias=AliasChoices("LOCKSTEP_TASKS", "tasks")
    )
    state_dir: Path = Field(
        default=Path(".lockstep"), validation_alias=AliasChoices("LOCKSTEP_STATE_DIR", "state_dir")
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias=AliasChoices("LOCKSTEP_LOG_LEVEL", "log_level")
    )
    log_format: Literal["text", "json"] = Field(
        default="text", validation_alias=AliasChoices("LOCKSTEP_LOG_FORMAT", "log_format")
    )
    #: Seconds without a heartbeat after which another worker may take a node over.
    lease_seconds: float = Field(
        default=30.0, gt=0.5, validation_alias=AliasChoices("LOCKSTEP_LEASE_SECONDS", "lease_seconds")
    )
    #: Tables `[[sync]]` of `lockstep.toml`, each a task; read by `tasks.declared`.
    sync: tuple[dict[str, Any], ...] = ()

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
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    def sql_url(self) -> str:
        """The database's address in SQLAlchemy's form, with the driver that is installed."""
        if self.database_url is None:
            return f"sqlite:///{self.state_dir.resolve() / 'lockstep.db'}"
        url = self.database_url.get_secret_value()
        for scheme in ("postgres://", "postgresql://"):
            if url.startswith(scheme):
                return "postgresql+psycopg://" + url.removeprefix(scheme)
        return url

    def broker_url(self) -> str:
        """The Redis address as redis-py and kombu both accept it.

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


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsError: a variable has a value that does not fit.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(str(error)) from None
