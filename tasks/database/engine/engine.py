"""One node's half of a sync: what it asks of a peer, and what it answers one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from tasks.database.deciding.applying import Applier
from tasks.database.deciding.reconciler import PayloadReconciler
from tasks.database.engine.answering import Answering
from tasks.database.engine.asking import Asking
from tasks.database.engine.collect import Collector
from tasks.database.engine.lock import SyncLock
from tasks.database.engine.node import Node
from tasks.database.engine.restamp import Restamped, restamp
from tasks.database.engine.validation import Limits, check_parameters
from tasks.database.enums import SyncPhase, SyncStage, SyncStatus
from tasks.database.exceptions import (
    InvalidParameterError,
    MassChangeError,
    SyncAbortedError,
    TransportRequiredError,
)
from tasks.database.garbage import search_put_off
from tasks.database.records.clock import COUNTER_BITS, HybridLogicalClock
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import SyncManifest
from tasks.database.records.result import DatabaseResult
from tasks.database.storages.beside import MemoryBeside
from tasks.database.storages.guard import Guard, Toll, refuse
from tasks.database.storages.peer import PeerState
from tasks.database.storages.plain import RESERVED, complete
from tasks.database.storages.storage import DatabaseSyncStorage
from tasks.database.storages.unsent import RECORD_BYTES_MAX_DEFAULT
from tasks.database.transport import Transport

log = logging.getLogger(__name__)

#: Bytes of one page's records, as JSON.
BATCH_BYTES_DEFAULT = 4_000_000
#: Seconds that a peer's clock may be ahead.
CLOCK_DRIFT_MAX_DEFAULT = 300


class DatabaseEngine:
    """Keeps the storage of one node in step with its peers.

    A node asks its peer by `sync` and answers peers by `process`; it may do both. One engine has one peer to ask:
    for more, make one engine each, with `peer_id`.

    Args:
        storage: the node's records.
        graph: the models that are synced, and which come before which.
        clock: the node's clock, the same one that stamps its edits. Its bound is kept in the storage.
        node_id: the node's name among all nodes.
        batch_bytes: the most bytes of records in one manifest; a larger record travels alone. `None`: any.
        batch_size: the most records and deletions in one manifest; `None`: any.
        clock_drift_max: seconds that a peer's clock may be ahead; `None`: any.
        identity_field: the field that holds a record's key.
        lock: keeps one session per node.
        on_complete: told of each result.
        on_phase: told of each phase of `sync`.
        payload_bytes_max: manifests with more bytes of records are refused; `None`: none is.
        payload_records_max: manifests with more records and deletions are refused; `None`: none is.
        progress: told of stage, how much is done, of how much.
        reconciler: decides what both nodes edited.
        transaction: everything of one exchange is in one of these; the storage's own where it has one.
        record_bytes_max: the most bytes of one record, as JSON; larger ones are held here and told. Peers are
            told, and send none that is larger. `None`: any.
        transport: brings manifests to the peer; needed by `sync` only.
        peer_id: names the peer where the node has several to ask.
        guard: how much of this node's rows a run may destroy without a person's word; `None`: anything.

    Raises:
        InvalidParameterError: a value does not fit.
    """

    def __init__(
        self,
        storage: DatabaseSyncStorage,
        graph: DependencyGraph,
        clock: HybridLogicalClock,
        node_id: str,
        *,
        batch_bytes: int | None = BATCH_BYTES_DEFAULT,
        batch_size: int | None = None,
        clock_drift_max: int | None = CLOCK_DRIFT_MAX_DEFAULT,
        identity_field: str = "id",
        lock: SyncLock | None = None,
        on_complete: Callable[[DatabaseResult], None] | None = None,
        on_phase: Callable[[SyncPhase], None] | None = None,
        payload_bytes_max: int | None = None,
        payload_records_max: int | None = None,
        progress: Callable[[SyncStage, int, int], None] | None = None,
        reconciler: PayloadReconciler | None = None,
        record_bytes_max: int | None = RECORD_BYTES_MAX_DEFAULT,
        transaction: Callable[[], AbstractContextManager[Any]] = nullcontext,
        transport: Transport | None = None,
        peer_id: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        check_parameters(
            node_id,
            identity_field,
            batch_bytes,
            batch_size,
            clock_drift_max,
            payload_bytes_max,
            payload_records_max,
            record_bytes_max,
        )
        if node_id.startswith(RESERVED):
            raise InvalidParameterError(f"node_id must not start with {RESERVED!r}")
        whole = complete(storage)
        limits = Limits(clock, clock_drift_max, payload_bytes_max, payload_records_max)
        own = getattr(storage, "transaction", None) if transaction is nullcontext else None
        self._node = Node(
            node_id=node_id,
            own_key=node_id if peer_id is None else f"{node_id}>{peer_id}",
            storage=whole,
            graph=graph,
            clock=clock,
            limits=limits,
            collector=Collector(
                whole,
                graph,
                batch_size,
                batch_bytes,
                record_bytes_max,
                plain=getattr(storage, "plain_text", False),
            ),
            applier=Applier(
                whole, graph, reconciler or PayloadReconciler(), identity_field, limits.stamp_max, node_id
            ),
            transaction=own or transaction,
            beside=getattr(storage, "beside", None) or MemoryBeside(),
        )
        self._guard = guard
        self._lock = lock
        self._on_complete = on_complete
        self._on_phase = on_phase
        self._progress = progress
        self._transport = transport
        self._peer = peer_id or ""
        if not clock.has_bound:
            clock.keep_bound(whole)

    @property
    def node_id(self) -> str:
        """The node's name among all nodes."""
        return self._node.node_id

    @property
    def peer(self) -> str:
        """The name of the peer that was asked last; empty where that is not known yet."""
        return self._peer

    # -- answering ------------------------------------------------------------------------------------------

    def process(
        self, incoming: SyncManifest, *, approve: Callable[[MassChangeError], bool] = refuse
    ) -> tuple[SyncManifest, DatabaseResult]:
        """Take a peer's manifest and answer it, in one transaction.

        Args:
            incoming: what the peer sent.
            approve: asked where it would destroy more than the guard allows: whether a person has said so.

        Raises:
            MassChangeError: nobody has; nothing was changed.
            SyncError: the manifest is refused; nothing was changed.
        """
        result = DatabaseResult()
        self._node.limits.check(incoming)
        if incoming.node_id.startswith(RESERVED):
            raise InvalidParameterError(f"node_id {incoming.node_id!r} is reserved")
        payloads = self._node.known(incoming, result)
        self._node.clock.reserve()
        with self._processing() as prove, self._node.work(undo=incoming.dry_run):
            if self._lock is not None and not hasattr(self._lock, "processing"):
                self._lock.hold(self._node.node_id)
            with search_put_off():
                answering = Answering(self._node, self._guard, approve, result)
                response = answering.answer(incoming, payloads)
            prove()
        if not incoming.dry_run and response.marks is not None and response.marks.mark is not None:
            self._node.keep_told(response.marks.mark)
        self._finalize(result)
        return response, result

    # -- asking ---------------------------------------------------------------------------------------------

    def sync(
        self, dry_run: bool = False, *, approve: Callable[[MassChangeError], bool] = refuse
    ) -> DatabaseResult:
        """Exchange manifests with the peer until neither has more to tell.

        Each exchange is kept by itself: after an error the next run goes on where this one ended. A dry run
        changes nothing on either node; its result tells what a run would do here, and what it would send.

        Args:
            dry_run: only look.
            approve: asked where the run would destroy more than the guard allows: whether a person has said so.

        Raises:
            MassChangeError: nobody has; nothing of that exchange, and of what comes after it, was written here.
            TransportRequiredError: the engine has no transport.
            SyncAbortedError: the run could not end; a later one may.
            SyncError: the peer refused the manifest, or its answer is wrong.
        """
        if self._transport is None:
            raise TransportRequiredError("Transport is required for sync(). Use process() for server-side.")
        result = DatabaseResult()
        with self._session(result) as session_id:

            def enter(phase: SyncPhase) -> None:
                self._enter(phase, session_id)

            toll = Toll(self._guard, approve)
            asking = Asking(self._node, self._transport, result, dry_run, toll, enter=enter, tell=self._tell)
            asking.exchange_all()
            self._peer = asking.peer
            enter(SyncPhase.COMPLETE)
            result.settle(asking=True)
            self._finalize(result)
        log.info("Node %r: synced, %s.", self._node.node_id, result.counts() or "nothing to do")
        return result

    def resync(self) -> None:
        """Forget how far this node and its peer are, so that the next `sync` compares everything."""
        with self._node.work():
            state = PeerState.load(self._node.storage, self._node.own_key)
            PeerState(held=state.held).save(self._node.storage, self._node.own_key)

    def restamp(self, dry_run: bool = False) -> Restamped:
        """Give what was stamped by a clock that was far ahead stamps of now, and let the clock go on from there.

        What was edited in one order stays in it. Peers that hold such edits back drop them and take these instead.
        Stamps that a peer may have taken already stay: all up to twice the clock drift that is allowed.

        Raises:
            NotRestampableError: the storage cannot do so, or this node's clock seems to be behind.
            SyncAbortedError: a session is under way.
        """
        with self._session(DatabaseResult()), self._processing() as prove:
            with self._node.work(undo=dry_run):
                found = restamp(self._node, dry_run=dry_run)
                prove()
            if not dry_run:
                self._node.clock.follow()
        return found

    # -- tombstones -----------------------------------------------------------------------------------------

    def purge_tombstones(self, absent_days: float | None = None) -> int:
        """Drop the tombstones that every known node has passed; return how many.

        Args:
            absent_days: nodes that asked for nothing for so long are not waited for. When they come back, they
                compare in full. `None`: every node is waited for.
        """
        dropped = 0
        with self._node.work():
            marks: list[int] = []
            oldest = 0
            if absent_days is not None:
                oldest = max(0, self._node.clock.wall() - int(absent_days * 86_400_000)) << COUNTER_BITS
            for node_id in self._node.storage.get_nodes():
                if node_id.startswith(RESERVED):
                    continue
                mark = PeerState.load(self._node.storage, node_id).sent.lowest
                asked = node_id == self._node.node_id or node_id.startswith(f"{self._node.node_id}>")
                if mark >= oldest or asked:
                    marks.append(mark)
            if marks or absent_days is not None:
                dropped = self._node.purge(min([*marks, self._node.later()]))
        return dropped

    def forget_node(self, node_id: str) -> None:
        """Wait for a node no longer; should it come back, it compares in full."""
        with self._node.work():
            generation = self._node.look_back()
            generation.forgotten[node_id] = self._node.later()
            generation.save(self._node.storage)
            self._node.storage.forget_node(node_id)

    @contextmanager
    def _processing(self) -> Iterator[Callable[[], None]]:
        """The node's turn to answer; what it yields proves that nobody else has it by now."""
        processing = getattr(self._lock, "processing", None)
        with processing(self._node.node_id) if processing is not None else nullcontext() as prove:
            yield prove or (lambda: None)

    @contextmanager
    def _session(self, result: DatabaseResult) -> Iterator[str | None]:
        if self._lock is None:
            yield None
            return
        session_id = self._lock.acquire(self._node.node_id)
        status = SyncStatus.FAILED
        try:
            yield session_id
            status = SyncStatus.SUCCEEDED if result.ok else SyncStatus.FAILED
        except SyncAbortedError:
            status = SyncStatus.ABORTED
            raise
        finally:
            self._lock.release(session_id, status, result)

    def _enter(self, phase: SyncPhase, session_id: str | None) -> None:
        if self._lock is not None and session_id is not None:
            self._lock.update_phase(session_id, phase)
        if self._on_phase is not None:
            self._on_phase(phase)

    def _tell(self, stage: SyncStage, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(stage, done, total)

    def _finalize(self, result: DatabaseResult) -> None:
        result.settle()
        for line in result.errors:
            log.warning("Node %r: %s", self._node.node_id, line)
        if self._on_complete is not None:
            self._on_complete(result)
