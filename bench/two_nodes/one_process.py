"""Two nodes in one process, by CPU time: what an exchange costs each of them, without HTTP and the start of a process.

python -m bench.two_nodes.one_process 20000 --kind postgresql --profile "5 % changed"

Manifests are packed and unpacked as on the way. Told is the best of some rounds, so that other work of the machine
matters little; with `--profile` where one more exchange of that kind spends its time, for either node.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections.abc import Callable
from time import process_time

from rich.console import Console
from rich.table import Table

from bench.two_nodes import databases, own
from tasks.database.records.manifest import SyncManifest
from tasks.database.transport import wire
from tasks.database.transport.server import ServedNode

KINDS = ("first sync", "5 % changed", "1 changed", "nothing changed")


class InProcess:
    """A transport to a node in this process, which counts the CPU time of that one."""

    def __init__(self, served: ServedNode) -> None:
        self._served = served
        self.seconds = 0.0
        #: Profiles of the node that asks and of the one that answers, while they are made.
        self.asks: cProfile.Profile | None = None
        self.answers: cProfile.Profile | None = None

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The answer."""
        body = wire.pack_manifest(manifest)
        if self.asks is not None:
            self.asks.disable()
        start = process_time()
        if self.answers is not None:
            self.answers.enable()
        answer = wire.pack_manifest(self._served.process(wire.unpack_manifest(body)))
        if self.answers is not None:
            self.answers.disable()
        self.seconds += process_time() - start
        if self.asks is not None:
            self.asks.enable()
        return wire.unpack_manifest(answer)

    def begin(self, manifest: SyncManifest) -> Callable[[], SyncManifest]:
        """The answer, when it is asked for."""
        return lambda: self.exchange(manifest)


def measure(kind: str, size: int, rounds: int = 7, profiled: str = "") -> Table:
    """Milliseconds of CPU time of each node, by what had changed."""
    table = Table("", "asks, ms", "answers, ms", title=f"Two nodes in one process, {kind}, {size:,} records")
    with databases.databases(kind) as made:
        here, there = made.make("office"), made.make("laptop")
        for database in (here, there):
            databases.run(database, databases.CREATE)
        databases.fill(here, size)
        office, laptop = own.node(here), own.node(there, "http://127.0.0.1:1")
        transport = InProcess(office.served())
        laptop.engine._transport = transport
        found: dict[str, list[tuple[float, float]]] = {}

        def sync(what: str) -> None:
            transport.seconds, start = 0.0, process_time()
            laptop.engine.sync()
            answers = transport.seconds
            found.setdefault(what, []).append((process_time() - start - answers, answers))

        def change(what: str, text: int) -> None:
            if what != KINDS[3]:
                every = 20 if what == KINDS[1] else size
                databases.run(here, f"UPDATE item SET a = '{what} {text}' WHERE mod(id, {every}) = 0")

        try:
            if profiled == KINDS[0]:
                transport.asks, transport.answers = _profiles()
                transport.asks.enable()
            sync(KINDS[0])
            for at in range(rounds if profiled != KINDS[0] else 0):
                for what in KINDS[1:]:
                    change(what, at)
                    sync(what)
            if profiled in KINDS[1:]:
                change(profiled, rounds)
                transport.asks, transport.answers = _profiles()
                transport.asks.enable()
                laptop.engine.sync()
            if transport.asks is not None and transport.answers is not None:
                transport.asks.disable()
                for profile in (transport.asks, transport.answers):
                    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        finally:
            for node in (office, laptop):
                node.close()
    for what, times in found.items():
        table.add_row(what, *(f"{min(part) * 1000:.1f}" for part in zip(*times, strict=True)))
    return table


def _profiles() -> tuple[cProfile.Profile, cProfile.Profile]:
    return cProfile.Profile(process_time), cProfile.Profile(process_time)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("size", type=int)
    parser.add_argument("--kind", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", choices=KINDS, default="")
    options = parser.parse_args()
    Console(width=120).print(measure(options.kind, options.size, options.rounds, options.profile))
