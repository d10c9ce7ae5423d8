"""The one place where a connection to Redis is set up, so that every part waits and retries alike."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from config.celery import SENTINEL_PATIENCE
from config.sentinel_address import is_sentinels, parsed
from config.settings import Settings, SettingsError
from worker.redis_sentinel import PrimaryPool

#: Retries after a lost connection; all scripts here give the same answer when they run twice.
RETRIES = 3
#: Seconds to wait for an answer, and for a connection.
ANSWER_TIMEOUT = 5.0
CONNECT_TIMEOUT = 3.0
#: Seconds of silence after which a connection is tested before use; hosts drop idle ones.
HEALTH_CHECK_INTERVAL = 25
#: What an impatient client of sentinels has like the one it is made of; it keeps the address by itself.
KEPT_BY_THE_IMPATIENT = ("decode_responses", "health_check_interval", "socket_keepalive")


def connect(settings: Settings) -> redis.Redis:
    """A client for the Redis of `settings`; it connects at its first command and answers with text.

    Raises:
        SettingsError: `REDIS_URL` is missing or is not a Redis address.
    """
    return connect_url(settings.redis_address())


def connect_url(url: str) -> redis.Redis:
    """A client for the Redis at `url`, with the same time-outs and retries everywhere.

    Raises:
        SettingsError: `url` is not a Redis address. The address itself is not shown, it may hold a password.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), RETRIES),
        "socket_timeout": ANSWER_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        **({} if url.startswith("unix://") else {"socket_keepalive": True}),
    }
    try:
        if is_sentinels(url):
            return redis.Redis.from_pool(PrimaryPool(parsed(url), timeout=SENTINEL_PATIENCE, **options))
        return redis.Redis.from_url(url, **options)
    except (ValueError, TypeError):
        raise SettingsError(
            "REDIS_URL is not the address of a Redis server: "
            "write redis://host:port/0, rediss://host:port/0 for an encrypted connection, unix:///path, or "
            "sentinel://host1:port,host2:port/0?service=name"
        ) from None


def impatient(client: redis.Redis, timeout: float) -> redis.Redis:
    """A client for the same server: own connections, `timeout` seconds of patience, no retry."""
    pool = client.connection_pool
    patience = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": Retry(NoBackoff(), 0)}
    if isinstance(pool, PrimaryPool):
        kept = {name: pool.connection_kwargs[name] for name in KEPT_BY_THE_IMPATIENT}
        # All sentinels together have as long as one server has.
        return redis.Redis.from_pool(
            PrimaryPool(pool.at, timeout=timeout / len(pool.at.sentinels), **kept, **patience)
        )
    bound_to_pool = ("maint_notifications_pool_handler", "orig_")
    options = {
        name: value for name, value in pool.connection_kwargs.items() if not name.startswith(bound_to_pool)
    }
    options.update(patience)
    return redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **options)
    )


def address(client: redis.Redis) -> str:
    """Where `client` connects to, without user or password."""
    pool = client.connection_pool
    if isinstance(pool, PrimaryPool):
        return pool.at.shown
    options = pool.connection_kwargs
    if "path" in options:
        return str(options["path"])
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"


def hosts(client: redis.Redis) -> tuple[str, ...]:
    """The machines that `client` asks first; none where that is a socket of this one."""
    pool = client.connection_pool
    if isinstance(pool, PrimaryPool):
        return tuple(host for host, _ in pool.at.sentinels)
    options = pool.connection_kwargs
    return () if "path" in options else (str(options.get("host", "localhost")),)
