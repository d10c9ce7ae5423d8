"""A worker that is told to stop waits for its runs, but not longer than they take; and has a pool that can run them.

A signal handler interrupts the main thread anywhere, also while it holds a lock that the threads of the pool need
to end. So it only enters that the worker was asked to stop; the main loop sees it at its next turn, and stops.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from types import FrameType
from typing import Any

import amqp
import redis
from billiard.common import REMAP_SIGTERM
from billiard.process import active_children
from celery import signals
from celery.apps.worker import Worker, safe_say  # type: ignore[attr-defined]  # not in its stubs
from celery.platforms import EX_FAILURE, EX_OK
from celery.utils.threads import bound_open_broker_sockets  # type: ignore[attr-defined]  # not in its stubs
from celery.worker import state as _state
from celery.worker.worker import SHUTDOWN_SOCKET_TIMEOUT  # type: ignore[attr-defined]  # not in its stubs
from kombu.common import ignore_errors
from kombu.exceptions import OperationalError

from config import get_settings, shards
from worker.pool import children
from worker.pool.kinds import usable
from worker.pool.life import WorkerLife
from worker.pool.task_pool import TaskPool
from worker.redis_client import connect
from worker.reload import News, Watch
from worker.telling.startup import refusing

log = logging.getLogger(__name__)

#: Celery's flags and requests, of which its stubs know too little.
state: Any = _state

#: Seconds between two looks at whether runs are still going on.
LOOK = 0.1
#: What a message keeps besides its body and headers when it goes back.
CARRIED = ("correlation_id", "reply_to", "priority", "delivery_mode")
#: The end of a worker does not wait longer than some seconds for a Redis that is away.
GIVE_BACK_POLICY = {"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 1}
#: Signals within this many seconds are one request: hosts and terminals may send several.
ONE_REQUEST = 0.2


class PromptWorker(Worker):
    """Celery's worker stops inside the handler of the signal, and sleeps for the whole soft shutdown.

    This one stops in its main loop, and as soon as nothing runs. A second signal ends it at once: the locks of
    its runs are then free after their leases.
    """

    # Celery's, of which its stubs know nothing.
    hostname: str
    consumer: Any
    pool: Any

    #: By the monotonic clock.
    _asked_at: float | None = None
    #: Whether runs are cancelled after the time for a soft shutdown.
    _cancels = False
    _life: WorkerLife | None = None
    _watch: Watch | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._asked_at is not None

    def on_consumer_ready(self, consumer: Any) -> None:
        """Messages are taken from now on; others are to see it."""
        super().on_consumer_ready(consumer)
        definitions = getattr(self.app, "definitions", {})
        if definitions and isinstance(self.pool, TaskPool):
            self._watch = self.app.watch(self._take_over)
        elif definitions and children.can_be_replaced(self.pool):
            self._watch = self.app.watch()
            consumer.on_turn = self._take_over_between_messages
        if self._watch is not None:
            self._watch.start()
        told = None if self._watch is None else self._watch.told
        self._life = WorkerLife(self, connect(shards.served(get_settings())), definitions, told)
        self._life.start()

    def _take_over_between_messages(self) -> None:
        """Take over what has changed, where children run the tasks; called in the main loop, which feeds them."""
        news = None if self._watch is None else self._watch.news
        if self._watch is None or news is None or self.is_stopping:
            return
        self.app.change_tasks(news)
        if children.replace(self.pool):  # else at the next turn
            self._watch.taken(news)
            self._tell_of(news)

    def _take_over(self, news: News) -> None:
        """Run the tasks as they are defined by now; called in the thread of the watch."""
        self.app.change_tasks(news)
        self._tell_of(news)

    def _tell_of(self, news: News) -> None:
        self.consumer.update_strategies()
        if self._life is not None:
            self._life.read(news.definitions)
        log.info(
            "The tasks were defined anew; runs that begin from now on are of these: %s.",
            ", ".join(sorted(news.definitions)),
        )

    def setup_defaults(  # type: ignore[override]  # its stubs list all options
        self, *, pool: Any = None, pool_cls: Any = None, **kwargs: Any
    ) -> None:
        """Take the options; a pool that cannot run syncs is refused.

        Raises:
            SystemExit: it is; standard error has one line about it.
        """
        with refusing():
            asked = pool or pool_cls or self.app.conf.worker_pool
            pool = usable(asked, autoscale=kwargs.get("autoscale"))
        super().setup_defaults(pool=pool, **kwargs)

    def install_platform_tweaks(self, worker: Any) -> None:
        """As Celery's, with other handlers for the signals that ask for the end.

        SIGTERM waits for runs as long as they take, unless `REMAP_SIGTERM=SIGQUIT` gives them a time.
        """
        super().install_platform_tweaks(worker)
        pid = os.getpid()
        cancelling = {signal.SIGINT, signal.SIGQUIT}
        if REMAP_SIGTERM == "SIGQUIT":
            cancelling.add(signal.SIGTERM)

        def ask(number: int, _: FrameType | None) -> None:
            if os.getpid() == pid:  # a fork has the handlers until it sets its own
                self._ask(cancels=number in cancelling)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, ask)

    def _ask(self, *, cancels: bool) -> None:
        """Enter a request to stop; this runs inside a signal handler."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at, self._cancels = now, cancels
            state.should_stop = EX_OK
            safe_say("worker: stopping; a second signal ends it at once, with its runs")
        elif now - self._asked_at > ONE_REQUEST:
            safe_say("worker: ended by a second signal")
            for child in active_children():
                os.kill(child.pid, signal.SIGKILL)  # type: ignore[arg-type]  # it was started
            os._exit(EX_FAILURE)

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:
        """Stop in order, after the runs that a signal gives a time have ended or were cancelled."""
        if self._asked_at is not None:
            how = "Cold" if self._cancels else "Warm"
            signals.worker_shutting_down.send(sender=self.hostname, sig="TERM", how=how, exitcode=exitcode)
        if self._cancels:
            self._end_runs()
        elif self._asked_at is not None and isinstance(self.pool, TaskPool):
            self._take_no_more(self.pool)
            while self.pool.running:
                self.pool.end_waiting()
                time.sleep(LOOK)
        super().stop(in_sighandler, exitcode)
        if self._watch is not None:
            self._watch.end()
        if self._life is not None:
            self._life.end()

    def _end_runs(self) -> None:
        """Take no more messages, give runs their time, then cancel them; the pool waits for their cleaning up."""
        self._take_no_more(self.pool)
        if not self.wait_for_soft_shutdown():
            # From here on a request that fails was cancelled, for Celery.
            state.should_terminate = True
            self._cancel_runs()

    def _take_no_more(self, pool: Any) -> None:
        try:
            self._leave_queue()
        except Exception as error:
            # Redis may be away; what the connection still has of messages comes back by the visibility time-out.
            log.warning("Shutdown: the queue could not be left in order (%s).", type(error).__name__)
        if isinstance(pool, TaskPool):
            pool.give_back = self._give_back
            pool.take_no_more()

    def _give_back(self, message_id: str) -> None:
        """Put a message into the queue again as it was; called in the thread of a job that was cancelled."""
        message = state.requests[message_id].message
        where = message.delivery_info
        properties = {name: message.properties[name] for name in CARRIED if name in message.properties}
        try:
            self.consumer.gives_back(message)
            with self.app.producer_or_acquire() as producer:
                producer.publish(
                    message.body,
                    exchange=where["exchange"],
                    routing_key=where["routing_key"],
                    headers=message.headers,
                    content_type=message.content_type,
                    content_encoding=message.content_encoding,
                    retry=True,
                    retry_policy=GIVE_BACK_POLICY,
                    **properties,
                )
        except (OperationalError, amqp.AMQPError, redis.RedisError, OSError) as error:
            log.warning(
                "Shutdown: the message %s could not be put into the queue again: %s", message_id, error
            )

    def _leave_queue(self) -> None:
        consumer = self.consumer
        if consumer.connection is not None:
            bound_open_broker_sockets(consumer.connection, SHUTDOWN_SOCKET_TIMEOUT)
        if consumer.task_consumer:
            ignore_errors(consumer, consumer.task_consumer.cancel)

    def wait_for_soft_shutdown(self) -> bool:
        """Give running tasks up to `worker_soft_shutdown_timeout` seconds from the signal on to end by themselves.

        Those of which nothing is under way need none: they end now, and their messages go back.

        Returns:
            Whether none is running any more.
        """
        timeout: float = self.app.conf.worker_soft_shutdown_timeout
        give_up_at = (self._asked_at or time.monotonic()) + timeout
        if self._running():
            log.warning("Shutdown: waiting up to %g s for %d runs to end.", timeout, self._running())
        while self._running() and time.monotonic() < give_up_at:
            if isinstance(self.pool, TaskPool):
                self.pool.end_waiting()
            time.sleep(LOOK)
        return not self._running()

    def _running(self) -> int:
        pool = self.pool
        return pool.running if isinstance(pool, TaskPool) else len(state.active_requests)

    def _cancel_runs(self) -> None:
        """Cancel what Celery would; it looks at a set that threads change meanwhile."""
        for request in tuple(state.requests.values()):
            late = request.task.acks_late
            if request not in state.active_requests or (
                late and (request.acknowledged or request.id in state.successful_requests)
            ):
                continue
            try:
                request.cancel(self.pool, emit_retry=not late)
            except (OperationalError, amqp.AMQPError, redis.RedisError, OSError) as error:
                log.warning("Shutdown: Flower is not told that %s was cancelled: %s", request.id, error)
            except Exception:
                # Whatever else fails for one must not keep the others running.
                log.warning("Shutdown: %s could not be cancelled in order.", request.id, exc_info=True)
        if isinstance(self.pool, TaskPool):
            self.pool.cancel_all()
