"""Real processes under test: start, watch, stop, freeze and kill them, and look at what they did."""

from __future__ import annotations

from tests.harness.process import Process, eventually
from tests.harness.sides import ProbeSpec, Side, Sides, Write
from tests.harness.stack import MakeStack, Stack, stacks
from worker.machine.redis_server import RedisServer, free_port

__all__ = [
    "MakeStack",
    "ProbeSpec",
    "Process",
    "RedisServer",
    "Side",
    "Sides",
    "Stack",
    "Write",
    "eventually",
    "free_port",
    "stacks",
]
