"""A world of nodes, made of one seed: the same seed gives the same trace."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tasks.database import FieldOwnershipWins, FieldTimestampWins, LocalWins, RemoteWins, SyncManifest
from tasks.database.exceptions import (
    MassChangeError,
    NotRestampableError,
    SyncAbortedError,
    SyncError,
    TransportError,
)
from tasks.database.records.lost import lost_values
from tests.tasks.database.simulated import bad_rows, emptiness, guarded
from tests.tasks.database.simulated.nodes import MODELS, Crash, Node
from tests.tasks.database.simulated.oracle import Oracle
from tests.tasks.database.simulated.page_style import PageStyleNode
from tests.tasks.database.simulated.restores import Restores

KEYS = ("1", "2", "3", "4")
FIELDS = ("x", "y")
#: What has to have happened in any suite that calls itself one.
REACHABLE = (
    "created",
    "edited",
    "deleted",
    "recreated",
    "request_lost",
    "answer_lost",
    "duplicated",
    "delivered_late",
    "server_crashed",
    "client_crashed",
    "restarted_back",
    "edited_at_client_meanwhile",
    "edited_at_server_meanwhile",
    "more_pages",
    "asked_ahead",
    "both_modified",
    "delete_vs_modify",
    "modify_vs_delete",
    "compatible",
    "tie",
    "tie_with_null",
    "emptied",
    "known_before",
    "held",
    "released",
    "dry_run",
    "resynced",
    "purged",
    "compared_in_full",
    "too_far_ahead",
    "restamped",
    "restamped_deletions",
    "relayed",
    "ledger_lines",
    *bad_rows.REACHABLE,
    "halted",
    "looked_ahead",
    "let_through",
    "page_style",
    "mixed_storages",
)


class Link:
    """The way from a client to a server, with its faults."""

    def __init__(self, world: World, client: Node, server: Node) -> None:
        self.world, self.client, self.server = world, client, server
        self.exchanges = 0

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        self.exchanges += 1
        assert self.exchanges < 300, "a run has no end"
        world, chance = self.world, self.world.random.random
        body = json.dumps(manifest.to_dict())
        world.bad.check(manifest, self.server, knows_limit=False)
        world.sent.append((self.server, body))
        if manifest.has_more:
            world.reach["more_pages"] += 1
        world.reach["looked_ahead"] += manifest.dry_run and manifest.ahead is not None
        if world.faults and chance() < 0.06:
            world.reach["request_lost"] += 1
            raise TransportError("the request was lost")
        if world.faults and chance() < 0.06:
            world.user_acts(self.server, "edited_at_server_meanwhile")
        if world.restores and world.faults and chance() < 0.03:
            world.restores.restore(self.server, "restored_server_meanwhile")
        answer = world.deliver(self.server, body)
        if world.restores and world.faults and chance() < 0.03:
            world.restores.restore(self.client, "restored_client_meanwhile")
        if world.faults and chance() < 0.06:
            world.reach["duplicated"] += 1
            again = world.deliver(self.server, body)
            answer = world.random.choice([answer, again])
        if world.faults and chance() < 0.12:
            world.user_acts(self.client, "edited_at_client_meanwhile")
        if world.faults and chance() < 0.08:
            world.reach["answer_lost"] += 1
            raise TransportError("the answer was lost")
        response = SyncManifest.from_dict(json.loads(answer))
        world.reach["told_set_back"] += bool(response.set_back)
        world.bad.check(response, self.client, knows_limit=True)
        if response.resync:
            world.reach["compared_in_full"] += 1
        if response.has_more:
            world.reach["more_pages"] += 1
        return response

    def begin(self, manifest: SyncManifest) -> Callable[[], SyncManifest]:
        """As early as can be: the answer is there before anything of the one before was written."""
        self.world.reach["asked_ahead"] += 1
        try:
            answer = self.exchange(manifest)
        except SyncError as error:
            lost = error

            def fail() -> SyncManifest:
                raise lost

            return fail
        return lambda: answer


class World:
    """Nodes, users, a network and an oracle."""

    node_class = Node
    oracle_class = Oracle

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.time_ms = 1_700_000_000_000
        self.faults = True
        self.reach: Counter[str] = Counter()
        self.trace: list[str] = []
        self.sent: list[tuple[Node, str]] = []
        self.oracle = self.oracle_class()
        self.values = 0
        self.stirred = False
        self.bad = bad_rows.BadRows(self)
        chosen = self.random.choices(["time", "local", "remote", "owned", "remote on tie"], [6, 1, 1, 1, 1])[
            0
        ]
        kind = self.random.choice(["star", "chain", "mesh"])
        if kind == "mesh":
            chosen = "time"  # in a ring, "mine wins" has no end that all nodes agree on
        self.by_time = chosen == "time"
        resolver = {
            "time": FieldTimestampWins,
            "local": LocalWins,
            "remote": RemoteWins,
            "owned": lambda: FieldOwnershipWins({"x"}, {"y"}),
            "remote on tie": lambda: FieldTimestampWins(prefer_remote_on_tie=True),
        }[chosen]
        #: Whether nodes may be absent for longer than tombstones are kept.
        self.forgets = self.random.random() < 0.25
        #: Whether clocks may be so far ahead that their nodes are refused for a while.
        self.runs_ahead = self.random.random() < 0.25
        self.wrong_clocks = (4, 5) if self.runs_ahead else (0, 0)
        count = self.random.randint(2, 5)
        #: How many of the nodes have a storage that is written to the page: none, all, or some.
        page_style = self.random.choice([0.0, 0.0, 0.5, 1.0]) if self.node_class is Node else 0.0
        kinds = [
            PageStyleNode if self.random.random() < page_style else self.node_class for _ in range(count)
        ]
        self.reach["mixed_storages"] += len(set(kinds)) == 2
        self.bad.on &= PageStyleNode not in kinds  # such a storage does not know what it cannot send
        self.nodes = [
            made(self, f"n{i}", self.random.choice([0, 0, 1, -90_000, 90_000]), resolver, self._batch())
            for i, made in enumerate(kinds)
        ]
        if kind == "star":
            self.edges = [(i, 0) for i in range(1, count)]
        elif kind == "chain":
            self.edges = [(i, i - 1) for i in range(1, count)]
        else:
            pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
            self.edges = [(i, i - 1) for i in range(1, count)]
            self.edges += self.random.sample(pairs, min(len(pairs), 2))
            self.edges = sorted(set(self.edges))
        if self.forgets and (kind == "mesh"):
            self.forgets = False  # what is purged here may still be known there
        #: Whether databases are restored from backups; what is taken back then is another story.
        self.restores: Restores | None = None
        if not self.runs_ahead and PageStyleNode not in kinds and self.random.random() < 0.6:
            self.restores = Restores(self)
        else:
            emptiness.rows_from_before(self, MODELS, KEYS, FIELDS)
        self.note(f"{seed}: {chosen} {kind} {count} {self.forgets} {bool(self.restores)}")

    def _batch(self) -> dict[str, Any]:
        return {
            "batch_size": self.random.choice([None, 1, 2, 3]),
            "batch_bytes": self.random.choice([None, 4_000_000, 150]),
            **self.bad.limit(),
        }

    def note(self, line: str) -> None:
        self.trace.append(line)

    # -- users ----------------------------------------------------------------------------------------------

    def user_acts(self, node: Node, reached: str = "") -> None:
        label, key = self.random.choice(MODELS), self.random.choice(KEYS)
        shown = node.shown(label, key)
        fuse, node.storage.fuse = node.storage.fuse, -1  # the user's program is another process
        if shown is not None and self.random.random() < 0.25:
            node.storage.remove(label, key)
            stamp = node.storage._tombstones[label][key].stamp
            self.oracle.delete(label, key, stamp, shown)
            self.reach["deleted"] += 1
            self.note(f"{node.name} deletes {label} {key} at {stamp}")
        else:
            names = self.random.sample(FIELDS, self.random.choice([1, 1, 2]))
            names = names if shown is not None else list(FIELDS)
            fields = {name: emptiness.value(self, name) for name in names}
            self.bad.spoil(fields, shown)
            record = node.storage.edit(label, key, **fields)
            again = (label, key) in self.oracle.deletions
            self.reach["edited" if shown is not None else "recreated" if again else "created"] += 1
            self.oracle.edit(label, key, fields, record.newest, shown)
            self.note(f"{node.name} writes {label} {key} {fields} at {record.newest}")
        node.storage.fuse = fuse
        if reached:
            self.reach[reached] += 1

    # -- the network ----------------------------------------------------------------------------------------

    def deliver(self, server: Node, body: str) -> str:
        manifest = SyncManifest.from_dict(json.loads(body))
        if self.faults and self.random.random() < 0.08:
            server.storage.fuse = self.random.randrange(14)
            server.storage.after = self.random.random() < 0.5
        held = self._held(server)
        try:
            answer, result = server.server.process(manifest, approve=self.approve)
        except Crash:
            self.reach["server_crashed"] += 1
            self.restart(server)
            raise TransportError("the server died") from None
        finally:
            server.storage.fuse = -1
        self._counted(server, result, held)
        if not held and not result.skipped and not manifest.dry_run:
            self._named(server, result)
        self.stirred |= not self._is_quiet(result)
        return json.dumps(answer.to_dict())

    def _held(self, node: Node) -> int:
        return sum(1 for _, kept in node.storage._checkpoints.values() if kept.get("held"))

    def _counted(self, node: Node, result: Any, held: int) -> None:
        for entry in result.conflict_log:
            self.reach[str(entry.conflict.conflict_type)] += 1
            for found in entry.conflict.field_conflicts:
                self.reach["tie"] += found.local_timestamp == found.remote_timestamp
        self.reach["compatible"] += sum(map(len, result.compatible.values()))
        self.reach["held"] += sum(map(len, result.skipped.values()))
        self.reach["waited_for_a_clock"] += any("too far in the future" in line for line in result.errors)
        self.reach["released"] += held > self._held(node)
        self.bad.count(result.errors)
        self.note(f"{node.name}: {result.counts()} {result.errors}")

    def _named(self, node: Node, result: Any) -> None:
        """The ledger names as kept what is there now, and as lost what is not."""
        for lost in (value for entry in result.conflict_log for value in lost_values(entry)):
            shown = node.shown(lost.model_label, lost.key)
            there = shown[lost.field_name] if shown is not None and lost.field_name else shown
            assert lost.kept == there, f"the ledger names {lost.kept} as kept, there is {there}"
            assert lost.lost != there, f"the ledger names {lost.lost} as lost, and it is there"
            self.reach["ledger_lines"] += 1

    def approve(self, error: MassChangeError) -> bool:
        return guarded.approve(self, error)

    def restart(self, node: Node) -> None:
        if self.random.random() < 0.5:
            node.skew_ms -= self.random.choice([1, 1000, 60_000])
            self.reach["restarted_back"] += 1
        node.start()
        self.note(f"{node.name} restarts, {node.skew_ms} ms off")

    def sync(self, edge: tuple[int, int], *, dry_run: bool = False) -> bool:
        """Whether it ended, and nothing was done."""
        client, server = self.nodes[edge[0]], self.nodes[edge[1]]
        engine = client.engine(Link(self, client, server), peer_id=server.name)
        held = self._held(client)
        if self.faults and not dry_run and self.random.random() < 0.15:
            client.storage.fuse = self.random.randrange(40)
            client.storage.after = self.random.random() < 0.5
        try:
            result = engine.sync(dry_run, approve=self.approve)
        except Crash:
            self.reach["client_crashed"] += 1
            self.restart(client)
            return False
        except SyncAbortedError as error:
            self.note(f"{client.name} to {server.name}: {error}")
            return False
        finally:
            client.storage.fuse = -1
        self._counted(client, result, held)
        if result.applied or result.created:
            self.reach["relayed"] += edge[1] != 0
        return self._is_quiet(result)

    def _is_quiet(self, result: Any) -> bool:
        """Whether nothing was done."""
        return not result.counts()

    # -- the story ------------------------------------------------------------------------------------------

    def step(self) -> None:
        self.time_ms += self.random.choice([0, 0, 1, 20, 5_000])
        node = self.random.choice(self.nodes)
        kind = self.random.choices(
            [
                "act",
                "sync",
                "late",
                "restart",
                "poison",
                "heal",
                "dry",
                "resync",
                "purge",
                "away",
                "ahead",
                "restamp",
                "back up",
                "restore",
                "raise limit",
            ],
            [
                *(40, 40, 3, 2, 2, 2, 1.5, 0.7),
                *((6, 6) if self.forgets else (2, 0)),
                *self.wrong_clocks,
                *((5, 4) if self.restores else (0, 0)),
                1,
            ],
        )[0]
        if kind == "act":
            self.user_acts(node)
        elif kind == "sync":
            self.sync(self.random.choice(self.edges))
        elif kind == "late" and self.sent:
            server, body = self.random.choice(self.sent[-30:])
            self.reach["delivered_late"] += 1
            try:
                self.deliver(server, body)
            except SyncError as error:
                self.note(f"late: {error}")
        elif kind == "restart":
            self.restart(node)
        elif kind == "poison":
            node.storage.poisoned.add((self.random.choice(MODELS), self.random.choice(KEYS)))
        elif kind == "heal":
            node.storage.poisoned.clear()
        elif kind == "dry":
            self.dry_run(self.random.choice(self.edges))
        elif kind == "resync":
            edge = self.random.choice(self.edges)
            self.nodes[edge[0]].engine(peer_id=self.nodes[edge[1]].name).resync()
            self.reach["resynced"] += 1
        elif kind == "purge" and self.runs_ahead <= self.forgets:  # an edit restamped below one comes back
            days = self.random.choice([None, 1 / 86_400 * 20]) if self.forgets else None
            self.reach["purged"] += node.server.purge_tombstones(days)
        elif kind == "ahead":
            node.skew_ms += 1_000_000
            for _ in range(self.random.randint(1, 4)):
                self.user_acts(node)
            self.sync(self.random.choice(self.edges))
            node.skew_ms -= 1_000_000
            self.reach["too_far_ahead"] += 1
        elif kind == "restamp":
            self.restamp(node)
        elif kind == "back up" and self.restores:
            self.restores.back_up(node)
        elif kind == "restore" and self.restores:
            self.restores.restore(node)
        elif kind == "raise limit":
            self.bad.raise_limit(node)
        elif kind == "away" and self.forgets:
            self.time_ms += 60_000

    def restamp(self, node: Node) -> None:
        """Somebody mends what a wrong clock has stamped; of that node's own requests none is under way."""
        self.sent = [(server, body) for server, body in self.sent if json.loads(body)["node_id"] != node.name]
        self.time_ms += 250_000  # until no stamp that peers have of it is ahead of its clock any more
        above = (self.time_ms + node.skew_ms + 600_000) << 16
        before = node.stamps()
        elsewhere = {
            (place, name, stamp)
            for other in self.nodes
            if other is not node
            for place, stamps in other.stamps().items()
            for name, stamp in stamps.items()
        }
        try:
            said = node.server.restamp(dry_run=True)
        except NotRestampableError as error:
            self.note(f"{node.name} is not restamped: {error}")
            return
        assert node.stamps() == before, "a dry run has changed something"
        if self.faults and self.random.random() < 0.3:
            node.storage.fuse = self.random.randrange(6)
            node.storage.after = self.random.random() < 0.5
        try:
            found = node.server.restamp()
        except Crash:
            self.reach["restamp_crashed"] += 1
            self.restart(node)
            if node.stamps() == before:
                return
        else:
            assert found == said, f"a dry run says {said}, it was {found}"
            self.reach["restamped"] += found.records
            self.reach["restamped_deletions"] += found.deletions
        finally:
            node.storage.fuse = -1
        after = node.stamps()
        order = sorted(
            (stamp, after[place][name]) for place in before for name, stamp in before[place].items()
        )
        assert [new for _, new in order] == sorted(new for _, new in order), "the order has changed"
        for (label, key), stamps in before.items():
            if max(stamps.values()) > above:
                changes = {name: (old, after[label, key][name]) for name, old in stamps.items()}
                taken = {(name, stamp) for place, name, stamp in elsewhere if place == (label, key)}
                self.oracle.restamp(label, key, changes, taken)
        assert all(stamp <= above + 0xFFFF for stamps in after.values() for stamp in stamps.values())
        self.note(f"{node.name} is restamped: {found if after != before else None}")

    def dry_run(self, edge: tuple[int, int]) -> None:
        self.faults, before = False, self.everything()
        self.sync(edge, dry_run=True)
        assert self.everything() == before, "a dry run has changed something"
        self.faults = True
        self.reach["dry_run"] += 1

    def everything(self) -> str:
        return repr([(n.state(), n.storage._tombstones, n.kept(), n.storage.conflicts) for n in self.nodes])

    def settle(self) -> None:
        """No more edits and faults, and the wall clocks come right."""
        self.faults = False
        self.time_ms += 3_600_000
        for node in self.nodes:
            node.storage.poisoned.clear()
            node.skew_ms = max(-90_000, min(90_000, node.skew_ms))
            node.start()
        self.bad.mend()
        for _ in range(4 * len(self.nodes) + 6):
            self.stirred = False
            quiet = [self.sync(edge) for edge in self.edges]
            if all(quiet) and not self.stirred:
                return
        raise AssertionError("the nodes do not come to rest")

    def play(self, steps: int) -> list[str]:
        """Everything that is wrong at the end."""
        try:
            for _ in range(steps):
                self.step()
            self.settle()
        except AssertionError as error:
            return [str(error)]
        if self.restores:
            self.restores.end()
        for node in self.nodes:
            for entry in node.storage.conflicts:
                self.oracle.conflict(entry)
        return self.oracle.judge(
            {node.name: node.state() for node in self.nodes},
            by_time=self.by_time and not self.forgets and not (self.restores and self.restores.blurred),
            # What waits while a clock is ahead may be overtaken; it converges, but the ledger may miss a loser.
            ledger=not self.runs_ahead and not self.reach["waited_for_a_clock"],
        )
