"""RabbitMQ as the broker, with Redis for locks and schedule: a real server, and all that it can do to messages."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import amqp
import pytest
import redis
from celery import Celery

from config import SettingsError, load_settings
from config.celery import celery_settings
from tests.harness import ProbeSpec, Stack, eventually
from tests.harness.rabbitmq import RabbitMQ, find_rabbitmq
from worker.broker import transport
from worker.broker.amqp_server import OWNER, AmqpServer
from worker.broker.queue import queue_of
from worker.errors import BrokerUnavailableError
from worker.redis_client import connect_url

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(400),  # its start takes a minute on a busy machine
    pytest.mark.skipif(find_rabbitmq() is None, reason="rabbitmq-server is not installed"),
]

#: Seconds for what waits for a process or the server, on a busy machine.
LONG = 60.0


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    with RabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(autouse=True)
def empty(rabbit: RabbitMQ) -> None:
    """Nothing is left of another test."""
    with rabbit.connect() as connection:
        for queue in ("celery", OWNER):
            connection.channel().queue_delete(queue)


MakeStack = Callable[..., Stack]


@pytest.fixture
def make(rabbit: RabbitMQ, tmp_path: Path) -> Iterator[MakeStack]:
    made: list[Stack] = []

    def start(*specs: ProbeSpec, **env: str) -> Stack:
        env = {"LOCKSTEP_BROKER_URL": rabbit.url(), "LOCKSTEP_RETRY_SECONDS": "3", **env}
        made.append(Stack(tmp_path, *specs, lease_seconds=2, env=env))
        return made[-1].__enter__()

    yield start
    for stack in made:
        stack.__exit__(None, None, None)


def statuses(stack: Stack, task: str = "probe") -> list[str]:
    return [run.status for run in stack.history(task)]


def assert_once(stack: Stack, task: str = "probe") -> None:
    """No message made two runs, and no two runs were at work at once."""
    made = Counter(run.message_id for run in stack.history(task) if run.status != "skipped")
    assert set(made.values()) <= {1}, made
    assert stack.sides(task).overlapping() == []


def ready(rabbit: RabbitMQ, queue: str = "celery") -> int:
    """The messages that the server would hand out; what a worker has without saying so is not among them."""
    with rabbit.connect() as connection:
        return int(connection.channel().queue_declare(queue, passive=True).message_count)


def test_beat_workers_and_commands_go_by_it(rabbit: RabbitMQ, make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    stack.sides().notion.create(Name="milk", Done=False)
    worker, beat = stack.worker(), stack.beat()
    eventually(lambda: statuses(stack).count("succeeded") >= 3, LONG)
    assert stack.sides().equal()
    assert_once(stack)
    doctor = stack.lockstep("doctor", "--json", name="doctor")
    assert doctor.wait_exit(LONG) == 0, doctor.tail()
    found = {one["check"]: one for one in json.loads(doctor.output())["findings"]}
    assert found["rabbitmq"]["text"].startswith("RabbitMQ ")
    assert "is durable" in found["rabbitmq-queue"]["text"]
    assert "1 worker takes" in found["rabbitmq-queue"]["text"]
    status = stack.lockstep("status", name="status")
    assert status.wait_exit(LONG) == 0, status.tail()
    with connect_url(stack.redis.url) as client:
        assert not client.exists("celery"), "no message is in Redis"

    worker.terminate()
    assert worker.wait_exit(LONG) == 0, worker.tail()
    eventually(lambda: ready(rabbit) >= 1, LONG)
    time.sleep(3)
    waiting = ready(rabbit)
    # The worker may have had one and ended before its run, and has been sent another one meanwhile.
    assert waiting <= 2
    time.sleep(3)
    assert ready(rabbit) == waiting, "a task that waits gets no further message"
    settings = load_settings(redis_url=stack.redis.url, broker_url=rabbit.url())
    with connect_url(stack.redis.url) as client, closing(queue_of(settings, client)) as queue:
        assert queue.depths(["other"]) == {"celery": waiting, "other": 0}
        assert queue.waiting() == {"sync.probe"}
    beat.terminate()
    assert beat.wait_exit(LONG) == 0, beat.tail()
    for process in (worker, beat):
        assert "Traceback" not in process.output(), process.tail()
        assert "guest:guest" not in process.output()


def test_a_run_whose_worker_is_killed_is_made_up_for_once(make: MakeStack) -> None:
    stack = make(ProbeSpec(total=1))
    for number in range(4):
        stack.sides().notion.create(Name=f"row {number}", Done=False)
    stack.sides().other.be_slow(after=0.3)
    first = stack.worker()
    stack.beat()
    eventually(stack.sides().other.writes, LONG)
    first.kill()
    stack.sides().other.be_slow()
    stack.worker()
    eventually(lambda: statuses(stack).count("succeeded") == 1, LONG)
    time.sleep(1)
    ends = Counter(statuses(stack)) - Counter({"skipped": 99})
    assert ends == {"succeeded": 1, "abandoned": 1}
    assert_once(stack)
    stack.sides().assert_equal()
    assert stack.sides().other.duplicates("title") == {}


def test_a_server_that_is_killed_and_comes_back(rabbit: RabbitMQ, make: MakeStack) -> None:
    """With messages in the queue, a run at work, and beat and worker alive."""
    names = [f"task-{number}" for number in range(4)]
    stack = make(*(ProbeSpec(name, every=2) for name in names))
    for name in names:
        stack.sides(name).notion.create(Name="milk", Done=False)
    beat = stack.beat()
    eventually(lambda: _exists(rabbit) and ready(rabbit) >= len(names), LONG)
    stack.sides(names[0]).other.be_slow(after=1)
    worker = stack.worker("--concurrency=1", ready=False)
    eventually(lambda: any(statuses(stack, name) for name in names), LONG)
    rabbit.kill()
    beat.wait_for_line("RabbitMQ takes no messages, the schedule waits for it", LONG)
    worker.wait_for_line("RabbitMQ fails, the worker waits until it serves again", LONG)
    status = stack.lockstep("status", name="status")
    assert status.wait_exit(LONG) == 5, status.tail()
    assert "RabbitMQ does not answer at 127.0.0.1" in status.output()
    rabbit.start()
    begun = {name: len(stack.history(name)) for name in names}
    beat.wait_for_line("RabbitMQ takes messages again", LONG)
    for name in names:
        eventually(lambda n=name: statuses(stack, n)[: -begun[n] or None].count("succeeded") >= 2, LONG, name)
        assert_once(stack, name)
        assert stack.sides(name).equal()
    assert beat.running
    assert worker.running
    for process in (worker, beat):
        assert "Traceback" not in process.output(), process.tail()


def _exists(rabbit: RabbitMQ) -> bool:
    try:
        ready(rabbit)
    except amqp.NotFound:
        return False
    return True


def test_messages_that_are_lost_are_sent_again(rabbit: RabbitMQ, make: MakeStack) -> None:
    """They are thrown out of the queue, and then the queue itself is deleted, while beat is connected."""
    stack = make(ProbeSpec(every=1))
    beat = stack.beat()
    for lose in ("queue_purge", "queue_delete"):
        eventually(lambda: _exists(rabbit) and ready(rabbit) >= 1, LONG)
        with rabbit.connect() as connection:
            getattr(connection.channel(), lose)("celery")
    eventually(lambda: _exists(rabbit) and ready(rabbit) >= 1, LONG)
    stack.worker()
    eventually(lambda: statuses(stack).count("succeeded") >= 2, LONG)
    assert_once(stack)
    assert "Traceback" not in beat.output(), beat.tail()


def test_nothing_waits_inside_a_worker(rabbit: RabbitMQ, make: MakeStack) -> None:
    names = [f"task-{number}" for number in range(6)]
    stack = make(*(ProbeSpec(name, every=3600) for name in names))
    for name in names:
        stack.sides(name).notion.create(Name="milk", Done=False)
        stack.sides(name).other.be_slow(before=60)
    stack.beat()
    stack.worker("--concurrency=2")
    eventually(
        lambda: [status for name in names for status in statuses(stack, name)] == ["running"] * 2, LONG
    )

    def begun() -> int:
        return sum(len(stack.history(name)) for name in (*names, "lockstep.prune"))

    eventually(lambda: ready(rabbit) + begun() == len(names) + 1, LONG)
    time.sleep(1)
    assert ready(rabbit) + begun() == len(names) + 1, "the server still has what nobody has begun"
    for name in names:
        stack.sides(name).other.be_slow()
    second = stack.worker("--concurrency=2")
    eventually(lambda: sum(statuses(stack, name) == ["succeeded"] for name in names) >= 4, LONG)
    assert second.running
    eventually(lambda: ready(rabbit) == 0, LONG)


def test_what_is_started_without_it_waits_for_it(rabbit: RabbitMQ, make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    rabbit.stop()  # it still knows that it belongs to nobody any more
    try:
        worker, beat = stack.worker(ready=False), stack.beat()
        worker.wait_for_line("Cannot connect to amqp", LONG)
        beat.wait_for_line("RabbitMQ takes no messages, the schedule waits for it", LONG)
        doctor = stack.lockstep("doctor", name="doctor")
        assert doctor.wait_exit(LONG) == 5, doctor.tail()
        assert "RabbitMQ does not answer at" in doctor.output()
    finally:
        rabbit.start()
    eventually(lambda: statuses(stack).count("succeeded") >= 2, LONG)
    assert_once(stack)
    for process in (worker, beat):
        assert "Traceback" not in process.output(), process.tail()


def test_a_worker_waits_for_redis_as_well(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=1))
    stack.redis.stop()
    worker = stack.worker(ready=False)
    worker.wait_for_line("Redis fails, the worker waits until it serves again", LONG)
    stack.redis.start()
    stack.beat()
    eventually(lambda: statuses(stack).count("succeeded") >= 1, LONG)
    assert worker.running
    assert "Traceback" not in worker.output(), worker.tail()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"password": "wrong-9"},
            "refuses the user 'guest': correct user and password in LOCKSTEP_BROKER_URL",
        ),
        ({"vhost": "nowhere"}, "has no virtual host 'nowhere', or it is not open to the user 'guest'"),
    ],
    ids=["password", "vhost"],
)
def test_a_login_that_is_refused_is_told_in_one_line(
    rabbit: RabbitMQ, make: MakeStack, wrong: dict[str, str], told: str
) -> None:
    stack = make(ProbeSpec(every=1))
    url = rabbit.url(**wrong)
    worker = stack.worker(ready=False, LOCKSTEP_BROKER_URL=url)
    beat = stack.beat(ready=False, LOCKSTEP_BROKER_URL=url)
    doctor = stack.lockstep("doctor", name="doctor", LOCKSTEP_BROKER_URL=url)
    for process in (worker, beat, doctor):
        assert process.wait_exit(LONG) == 2, process.tail()
        assert "Traceback" not in process.output(), process.tail()
        assert "wrong-9" not in process.output()
    for process in (worker, beat):
        lines = [line for line in process.output().splitlines() if line.startswith("lockstep: ")]
        assert len(lines) == 1
        assert told in lines[0]


def test_another_installation_is_refused(rabbit: RabbitMQ) -> None:
    settings = load_settings(redis_url="redis://127.0.0.1:1", broker_url=rabbit.url())
    with closing(AmqpServer(settings)) as server:
        server.claim(1 << 61)
        server.claim(1 << 61)
        with pytest.raises(SettingsError, match=f"another installation.*delete the queue {OWNER}"):
            server.claim(2)
        server.claim(1 << 61)
        assert server.state("celery") is None
        assert server.version().startswith("RabbitMQ 3")


def test_a_message_that_no_queue_takes_is_not_taken_for_sent(rabbit: RabbitMQ) -> None:
    transport.install()
    with Celery("sender", set_as_current=False) as app:
        app.conf.update(
            celery_settings(load_settings(redis_url="redis://127.0.0.1:1", broker_url=rabbit.url()))
        )
        app.conf.task_send_sent_event = True  # events are for whom they interest, and that may be nobody
        policy = {"max_retries": 1, "interval_start": 0}
        app.send_task("sync.milk", retry_policy=policy, ignore_result=True)
        assert ready(rabbit) == 1
        with rabbit.connect() as connection:
            connection.channel().queue_delete("celery")
        app.send_task("sync.milk", retry_policy=policy, ignore_result=True)
        assert ready(rabbit) == 1


def test_a_queue_that_does_not_outlive_a_restart_is_seen(rabbit: RabbitMQ, client: redis.Redis) -> None:
    settings = load_settings(redis_url="redis://127.0.0.1:1", broker_url=rabbit.url())
    with rabbit.connect() as connection, closing(AmqpServer(settings)) as server:
        connection.channel().queue_declare("celery", durable=False, auto_delete=False)
        assert not server.is_durable("celery")
        with closing(queue_of(settings, client)) as queue:
            assert queue.depths() == {"celery": 0}
    gone = load_settings(redis_url="redis://127.0.0.1:1", broker_url="amqp://127.0.0.1:1/v")
    with (
        closing(queue_of(gone, client)) as queue,
        pytest.raises(BrokerUnavailableError, match="does not answer"),
    ):
        queue.depths()
