"""What is noted of messages in a queue that cannot be asked, against a queue that can."""

from __future__ import annotations

import json
from collections import Counter, deque

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.broker.waiting_notes import KEY, ON_ITS_WAY, TAKEN, WaitingNotes, still_waiting

TASKS = ("sync.milk", "sync.bread", "sync.eggs")
#: What may happen: a message is sent, or is lost on its way; a worker takes the first one, or cannot say so; somebody
#: empties the queue; Redis forgets; time passes.
STEPS = st.one_of(
    st.tuples(st.sampled_from(["send", "lose"]), st.sampled_from(TASKS)),
    st.tuples(
        st.sampled_from(["take", "take", "take silently", "purge", "forget", "pass", "pass"]), st.just("")
    ),
)
reached: Counter[str] = Counter()


@pytest.fixture
def notes(client: redis.Redis) -> WaitingNotes:
    return WaitingNotes(client)


def let_pass(client: redis.Redis, seconds: float) -> None:
    for task, text in client.hgetall(KEY).items():
        if task != TAKEN:
            told = json.loads(text)
            client.hset(KEY, task, json.dumps(told | {"at": told["at"] - round(seconds * 1000)}))


@given(steps=st.lists(STEPS, min_size=15, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_task_waits_while_its_message_is_there_and_not_for_one_that_is_not(
    client: redis.Redis, notes: WaitingNotes, steps: list[tuple[str, str]]
) -> None:
    """The oracle is the queue itself. A task may be thought to wait without cause only for a moment, or while messages
    are there of which none that was sent later has been taken; it is never thought not to wait while its last message
    does, unless Redis has forgotten.
    """
    client.delete(KEY)
    queue: deque[tuple[str, str, int]] = deque()
    last: dict[
        str, tuple[int, int]
    ] = {}  # of each task: when its last message was sent, in steps and in passes
    known_taken, passes, forgotten = -1, 0, -1
    for number, (step, task) in enumerate(steps):
        match step:
            case "send" | "lose":
                notes.sending(task, f"m{number}")
                last[task] = number, passes
                if step == "send":
                    queue.append((task, f"m{number}", number))
            case "take" | "take silently" if queue:
                taken, message, sent = queue.popleft()
                if step == "take":
                    notes.taken(taken, message)
                    if last[taken][0] == sent and sent > forgotten:
                        known_taken = max(known_taken, sent)
            case "purge":
                queue.clear()
            case "forget":
                client.delete(KEY)
                known_taken, forgotten = -1, number
            case "pass":
                let_pass(client, ON_ITS_WAY + 1)
                passes += 1
        thought = still_waiting(*notes.read(), lambda: len(queue))
        there = {name: sent for name, _, sent in queue}
        for name, (sent, then) in last.items():
            if there.get(name) == sent and sent > forgotten:
                assert name in thought, "its message is there"
                reached["there"] += 1
            elif name in thought:
                fresh = then == passes
                assert fresh or (queue and sent > known_taken), "it waits for a message that is not there"
                reached["fresh" if fresh else "not known yet"] += 1
            elif name not in there:
                reached["gone"] += 1


def test_all_of_that_was_reached() -> None:
    assert set(reached) == {"there", "fresh", "not known yet", "gone"}, reached
    assert all(count >= 20 for count in reached.values()), reached


def test_the_broker_is_asked_only_if_need_be(client: redis.Redis, notes: WaitingNotes) -> None:
    client.delete(KEY)

    def asked() -> int:
        raise AssertionError

    assert still_waiting(*notes.read(), asked) == frozenset()
    notes.sending("sync.milk", "m1")
    assert still_waiting(*notes.read(), asked) == {"sync.milk"}
    let_pass(client, ON_ITS_WAY)
    assert still_waiting(*notes.read(), lambda: None) == {"sync.milk"}, "while that is not known"
    assert still_waiting(*notes.read(), lambda: 1) == {"sync.milk"}
    assert still_waiting(*notes.read(), lambda: 0) == frozenset()
    notes.taken("sync.milk", "another")
    assert still_waiting(*notes.read(), lambda: 1) == {"sync.milk"}
    notes.taken("sync.milk", "m1")
    assert still_waiting(*notes.read(), asked) == frozenset()
