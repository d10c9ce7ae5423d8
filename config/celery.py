"""Celery's settings, chosen for safety with Redis or RabbitMQ as broker. Each says why beside it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from config import amqp_address
from config.redis_address import for_celery
from config.sentinel_address import SentinelAddress, is_sentinels, parsed
from config.settings import Settings

#: Seconds that running syncs get to end by themselves when the worker is told to stop; below the 30 s after
#: which hosts kill.
SOFT_SHUTDOWN_SECONDS = 20.0
#: Runs at once in one worker process with the threads pool: they wait for services most of the time.
THREADS = 32
#: Celery's name of the pool of this project.
POOL = "worker.pool.task_pool:TaskPool"

#: Seconds without a sign of life after which a connection to RabbitMQ is given up by either end, about.
AMQP_HEARTBEAT = 30
#: Seconds that RabbitMQ has for a connection.
AMQP_PATIENCE = 4.0
#: Seconds that one sentinel has for a connection, and for an answer, before the next is asked.
SENTINEL_PATIENCE = 1.0
VISIBILITY = timedelta(hours=6)
RESULTS_KEPT = timedelta(days=1)


def celery_settings(settings: Settings) -> dict[str, Any]:
    """What `Celery.conf` is updated with.

    Raises:
        SettingsError: no Redis is configured.
    """
    url = for_celery(settings.redis_address())
    watched = _watched(settings)
    # Redis hands a message that is not acknowledged to another worker after this time, even while it runs.
    # Messages are acknowledged early here, so it only has to be longer than the longest run.
    visibility = max(VISIBILITY.total_seconds(), 2 * settings.time_limit)
    return {
        **_encryption(settings),
        **(_redis(url, visibility, watched) if settings.broker_url is None else _amqp(settings.broker_url)),
        # The shortest of these three wins, so all are the same.
        "visibility_timeout": visibility,
        "result_backend_transport_options": {"visibility_timeout": visibility, **watched},
        # An outage of Redis ends no worker and no beat, however long it lasts and whenever it comes.
        "broker_connection_retry_on_startup": True,
        "broker_connection_retry": True,
        "broker_connection_max_retries": None,
        # Syncs hold their lock through a short outage; if not, the lock stops them, not the connection.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        # A publish outlives a short interruption; beat repeats what fails longer than that.
        "task_publish_retry_policy": {
            "max_retries": 5,
            "interval_start": 0.2,
            "interval_step": 0.5,
            "interval_max": 3,
        },
        # JSON only: whoever can write to Redis must not be able to run code in a worker.
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "timezone": "UTC",
        "enable_utc": True,
        # Early: with late acknowledgement every broker hiccup starts a running sync a second time. A run that
        # is lost with its worker is made up for by beat, and the lock guards the node.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        # Nothing waits inside a worker, where it would be lost, delayed or delivered twice. Celery can do that with
        # Redis; with RabbitMQ our consumer does.
        "worker_disable_prefetch": settings.broker_url is None,
        "worker_prefetch_multiplier": 1,
        # A worker told to quit lets runs end, then cancels them: locks are released and nothing is half done.
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN_SECONDS,
        # No run holds its node for ever. The soft limit cancels, the hard one gives up what did not end.
        "task_soft_time_limit": settings.soft_time_limit,
        "task_time_limit": settings.time_limit,
        # What a run did is in the history in SQL and in the events that Flower reads. Storing it in Redis as
        # well would let an outage make a failed task of a run that succeeded.
        "task_ignore_result": True,
        # For tasks that keep their results all the same; nobody deletes those but their age.
        "result_backend": url,
        "result_expires": RESULTS_KEPT,
        # One connection for all threads instead of one each: small Redis plans allow about twenty.
        "result_backend_thread_safe": True,
        # Flower shows what is sent, started and done.
        "task_track_started": True,
        "task_send_sent_event": True,
        "worker_send_task_events": True,
        # Threads with one event loop, which cancels coroutines on limits, revocation and shutdown.
        "worker_pool": POOL,
        "worker_concurrency": settings.worker_concurrency or THREADS,
        # Survives a restart of Redis, at which the consumer of Celery 5.7.0 exits.
        "worker_consumer": "worker.broker.consumer:Consumer",
        # Any number of beats, exact totals, nothing lost over an outage.
        "beat_scheduler": "worker.schedule.scheduler:RedisScheduler",
        # Beat looks at least this often whether it is to stop or Redis is back, in seconds.
        "beat_max_loop_interval": 5,
        # Its thread answers pings, and prints a traceback at every outage of Redis. Who pings beat starts it
        # with --enable-remote-control.
        "beat_enable_remote_control": False,
    }


def _redis(url: str, visibility: float, watched: dict[str, Any]) -> dict[str, Any]:
    """Redis as the broker."""
    return {
        # Our carrier has all sentinels by its options; by kombu's address it would tell an outage once for each.
        "broker_url": url.partition(";")[0],
        "broker_transport_options": {
            "visibility_timeout": visibility,
            # Without time-outs a Redis that stops answering would be waited for without end.
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # Hosts drop idle connections; test one before it is used.
            "health_check_interval": 25,
            # What is due for redelivery is looked for every 10 s instead of every 100 s.
            "unacked_restore_throttle": 1,
            **watched,
        },
    }


def _amqp(url: SecretStr) -> dict[str, Any]:
    """RabbitMQ as the broker."""
    at = amqp_address.parsed(url.get_secret_value())
    return {
        "broker_url": at.url,
        "broker_use_ssl": dict(at.tls) or None,
        # The end of a connection that nobody closed is seen by these.
        "broker_heartbeat": AMQP_HEARTBEAT,
        "broker_connection_timeout": AMQP_PATIENCE,
        "broker_transport_options": {
            # A message is sent when the broker has it, on the disk where the queue is durable.
            "confirm_publish": True,
            # Who sends is told that the broker is away, and sends again; kombu would wait for it without end.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.2,
        },
    }


def _sentinels(settings: Settings) -> SentinelAddress | None:
    url = settings.redis_address()
    return parsed(url) if is_sentinels(url) else None


def _watched(settings: Settings) -> dict[str, Any]:
    """What kombu and Celery's results have to know of sentinels beside who they are."""
    at = _sentinels(settings)
    if at is None:
        return {}
    patience = {"socket_timeout": SENTINEL_PATIENCE, "socket_connect_timeout": SENTINEL_PATIENCE}
    return {
        "master_name": at.service,
        "sentinels": at.sentinels,
        "sentinel_kwargs": {**patience, **at.sentinel_login()},
    }


def _encryption(settings: Settings) -> dict[str, Any]:
    """How connections are encrypted where the address of kombu and Celery's results cannot say it."""
    at = _sentinels(settings)
    if at is None or not at.encrypted:
        return {}
    return {"broker_use_ssl": dict(at.tls), "redis_backend_use_ssl": dict(at.tls)}


def prefork_settings(settings: Settings) -> dict[str, Any]:
    """What is different with one process per run: as many as there are processors, unless set otherwise."""
    return {"worker_pool": "prefork", "worker_concurrency": settings.worker_concurrency}


def flower_environment(settings: Settings) -> dict[str, str]:
    """Flower's options that follow from the settings, as the variables from which it reads them."""
    variables = {
        # Its default of 100,000 tasks takes hundreds of megabytes.
        "FLOWER_MAX_TASKS": "10000",
        # Workers that are gone for a day, in seconds; restarts leave one behind each.
        "FLOWER_PURGE_OFFLINE_WORKERS": "86400",
    }
    if settings.flower_basic_auth is not None:
        variables["FLOWER_BASIC_AUTH"] = settings.flower_basic_auth.get_secret_value()
    return variables
