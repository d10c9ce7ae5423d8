"""One node's half of a sync: what it asks of a peer, and what it answers one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from tasks.database.applying import Applied, Applier, newest_stamp
from tasks.database.clock import COUNTER_BITS, HybridLogicalClock
from tasks.database.collect import Collector, Page
from tasks.database.enums import SyncPhase, SyncStage, SyncStatus
from tasks.database.exceptions import InvalidParameterError, SyncAbortedError, TransportRequiredError
from tasks.database.full_compare import FullCompare
from tasks.database.graph import DependencyGraph
from tasks.database.lock import SyncLock
from tasks.database.manifest import ModelPayload, SyncManifest
from tasks.database.peer import PeerState
from tasks.database.plain import RESERVED, complete
from tasks.database.reconciler import PayloadReconciler
from tasks.database.record import WHOLE
from tasks.database.result import DatabaseResult
from tasks.database.storage import DatabaseSyncStorage
from tasks.database.transport import Transport
from tasks.database.validation import Limits, check_parameters
from tasks.database.view import Cursor, PeerView

log = logging.getLogger(__name__)

#: Bytes of one page's records, as JSON.
BATCH_BYTES_DEFAULT = 4_000_000
#: Seconds that a peer's clock may be ahead.
CLOCK_DRIFT_MAX_DEFAULT = 300
#: Exchanges that follow the one that ended with nothing left, as long as there is still something to tell.
ROUNDS_AFTER_END = 8


class _UndoneError(Exception):
    """Ends a transaction of a dry run."""


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
        transport: brings manifests to the peer; needed by `sync` only.
        peer_id: names the peer where the node has several to ask.

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
        transaction: Callable[[], AbstractContextManager[Any]] = nullcontext,
        transport: Transport | None = None,
        peer_id: str | None = None,
    ) -> None:
        check_parameters(
            node_id,
            identity_field,
            batch_bytes,
            batch_size,
            clock_drift_max,
            payload_bytes_max,
            payload_records_max,
        )
        if node_id.startswith(RESERVED):
            raise InvalidParameterError(f"node_id must not start with {RESERVED!r}")
        self._storage = complete(storage)
        self._clock = clock
        self._graph = graph
        self._limits = Limits(clock, clock_drift_max, payload_bytes_max, payload_records_max)
        self._lock = lock
        self._node_id = node_id
        self._own_key = node_id if peer_id is None else f"{node_id}>{peer_id}"
        self._on_complete = on_complete
        self._on_phase = on_phase
        self._progress = progress
        self._transport = transport
        own = getattr(storage, "transaction", None) if transaction is nullcontext else None
        self._transaction: Callable[[], AbstractContextManager[Any]] = own or transaction
        self._collector = Collector(self._storage, graph, batch_size, batch_bytes)
        self._applier = Applier(
            self._storage, graph, reconciler or PayloadReconciler(), identity_field, self._limits.stamp_max
        )
        if not clock.has_bound:
            clock.keep_bound(self._storage)

    @property
    def node_id(self) -> str:
        """The node's name among all nodes."""
        return self._node_id

    # -- answering ------------------------------------------------------------------------------------------

    def process(self, incoming: SyncManifest) -> tuple[SyncManifest, DatabaseResult]:
        """Take a peer's manifest and answer it, in one transaction.

        Raises:
            SyncError: the manifest is refused; nothing was changed.
        """
        result = DatabaseResult()
        self._limits.check(incoming)
        if incoming.node_id.startswith(RESERVED):
            raise InvalidParameterError(f"node_id {incoming.node_id!r} is reserved")
        payloads = self._known(incoming, result)
        self._clock.reserve()
        with self._processing(), self._work(undo=incoming.dry_run):
            if self._lock is not None and not hasattr(self._lock, "processing"):
                self._lock.hold(self._node_id)
            response, applied = self._answer(incoming, payloads, result)
        self._report(applied, result)
        self._finalize(result)
        return response, result

    def _answer(
        self, incoming: SyncManifest, payloads: list[ModelPayload], result: DatabaseResult
    ) -> tuple[SyncManifest, Applied]:
        state = PeerState.load(self._storage, incoming.node_id)
        state.sent = Cursor.read(incoming.checkpoint, incoming.after_keys)
        now = self._arrival(payloads, dry_run=incoming.dry_run)
        view = state.view(fresh=incoming.fresh, checkpoint=incoming.checkpoint)
        purged = 0 if incoming.resync else self._stale(state.sent)
        keys = {payload.model_label: {*payload.records, *payload.deletes} for payload in payloads}
        if purged:
            page = Page(cursor=state.sent, has_more=True)
        else:
            asked = replace(view, own=frozenset()) if incoming.resync else view
            page = self._collector.page(state.sent, now, asked, leave_out=keys)
        applied = self._applier.apply(
            payloads,
            state.held,
            view,
            received_at=now,
            new_stamp=self._clock.peek if incoming.dry_run else self._clock.now,
            result=result,
            write=not incoming.dry_run,
        )
        if applied.own:
            state.own.add(now)
        state.held = applied.held
        if not incoming.dry_run:
            state.save(self._storage, incoming.node_id)
        if incoming.resync and not incoming.after_keys:
            # What waits here for being applied is not gone, though no record of this node shows it.
            _add(page.payloads, applied.held.payloads())
        _add(page.payloads, applied.response)
        told = replace(view, own=frozenset({*state.own, now}))
        for label, payload in applied.response.items():
            for key, record in payload.records.items():
                page.fresh.setdefault(label, {})[key] = [
                    name for name in record.data if not told.knows_field(label, record, name)
                ]
        response = self._manifest(page, page.cursor)
        response.resync = purged
        response.checksum = response.compute_checksum()
        return response, applied

    def _stale(self, cursor: Cursor) -> int:
        """Where tombstones were dropped that the peer has not seen: up to which stamp; else 0."""
        purged = self._storage.get_purged()
        stamps = [cursor.floor, *(stamp for stamp, _ in cursor.places.values())]
        return purged if any(0 < stamp < purged for stamp in stamps) else 0

    # -- asking ---------------------------------------------------------------------------------------------

    def sync(self, dry_run: bool = False) -> DatabaseResult:
        """Exchange manifests with the peer until neither has more to tell.

        Each exchange is kept by itself: after an error the next run goes on where this one ended. A dry run
        changes nothing on either node; its result tells what a run would do here, and what it would send.

        Raises:
            TransportRequiredError: the engine has no transport.
            SyncAbortedError: the run could not end; a later one may.
            SyncError: the peer refused the manifest, or its answer is wrong.
        """
        if self._transport is None:
            raise TransportRequiredError("Transport is required for sync(). Use process() for server-side.")
        result = DatabaseResult()
        with self._session(result) as session_id:
            run = _Run(self, self._transport, session_id, result, dry_run)
            run.exchange_all()
            self._enter(SyncPhase.COMPLETE, session_id)
            self._finalize(result)
        log.info("Node %r: synced, %s.", self._node_id, result.counts() or "nothing to do")
        return result

    def resync(self) -> None:
        """Forget how far this node and its peer are, so that the next `sync` compares everything."""
        with self._work():
            state = PeerState.load(self._storage, self._own_key)
            PeerState(held=state.held).save(self._storage, self._own_key)

    # -- tombstones -----------------------------------------------------------------------------------------

    def purge_tombstones(self, absent_days: float | None = None) -> int:
        """Drop the tombstones that every known node has passed; return how many.

        Args:
            absent_days: nodes that asked for nothing for so long are not waited for. When they come back, they
                compare in full. `None`: every node is waited for.
        """
        dropped = 0
        with self._work():
            marks: list[int] = []
            oldest = 0
            if absent_days is not None:
                oldest = max(0, self._clock.wall() - int(absent_days * 86_400_000)) << COUNTER_BITS
            for node_id in self._storage.get_nodes():
                if node_id.startswith(RESERVED):
                    continue
                mark = PeerState.load(self._storage, node_id).sent.lowest
                asked = node_id == self._node_id or node_id.startswith(f"{self._node_id}>")
                if mark >= oldest or asked:
                    marks.append(mark)
            if marks or absent_days is not None:
                dropped = self._storage.purge_tombstones(min([*marks, self._clock.peek()]))
        return dropped

    def forget_node(self, node_id: str) -> None:
        """Wait for a node no longer; should it come back, it compares in full."""
        with self._work():
            self._storage.forget_node(node_id)

    # -- shared ---------------------------------------------------------------------------------------------

    def _known(self, manifest: SyncManifest, result: DatabaseResult) -> list[ModelPayload]:
        """The payloads of models of this node."""
        known = self._graph.known_models()
        for payload in manifest.payloads:
            if payload.model_label not in known:
                result.errors.append(f"model {payload.model_label!r} is unknown here")
        return [payload for payload in manifest.payloads if payload.model_label in known]

    def _arrival(self, payloads: list[ModelPayload], *, dry_run: bool) -> int:
        """The arrival stamp of an exchange: above all that is here, and all that came."""
        newest = newest_stamp(payloads, self._limits.stamp_max())
        if dry_run:
            return max(self._storage.horizon(self._clock.peek()), newest + 1)
        if newest:
            self._clock.receive(newest)
        now = self._clock.now()
        horizon = self._storage.horizon(now)
        if horizon > now:
            self._clock.receive(horizon)
        return horizon

    def _manifest(self, page: Page, cursor: Cursor) -> SyncManifest:
        return SyncManifest(
            node_id=self._node_id,
            checkpoint=cursor.floor,
            after_keys=cursor.as_json(),
            has_more=page.has_more,
            node_time=self._clock.wall() // 1000,
            payloads=[page.payloads[label] for label in self._graph.sync_order() if label in page.payloads],
            fresh=page.fresh,
        )

    @contextmanager
    def _work(self, *, undo: bool = False) -> Iterator[None]:
        try:
            with self._transaction():
                yield
                if undo:
                    raise _UndoneError  # noqa: TRY301  it is what undoes the transaction
        except _UndoneError:
            pass

    @contextmanager
    def _processing(self) -> Iterator[None]:
        processing = getattr(self._lock, "processing", None)
        with processing(self._node_id) if processing is not None else nullcontext():
            yield

    @contextmanager
    def _session(self, result: DatabaseResult) -> Iterator[str | None]:
        if self._lock is None:
            yield None
            return
        session_id = self._lock.acquire(self._node_id)
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

    def _report(self, applied: Applied, result: DatabaseResult) -> None:
        for (label, key), reason in applied.problems.items():
            result.skipped[label].append(key)
            result.errors.append(f"{label} {key!r}: {reason}; it is kept and tried again")

    def _finalize(self, result: DatabaseResult) -> None:
        for line in result.errors:
            log.warning("Node %r: %s", self._node_id, line)
        if self._on_complete is not None:
            self._on_complete(result)


class _Run:
    """The exchanges of one `sync`."""

    def __init__(
        self,
        engine: DatabaseEngine,
        transport: Transport,
        session_id: str | None,
        result: DatabaseResult,
        dry_run: bool,
    ) -> None:
        self.engine, self.transport, self.result, self.dry_run = engine, transport, result, dry_run
        self.session_id = session_id
        self.full: FullCompare | None = None
        self.state = PeerState()
        self.page = Page()
        self.applied = Applied()

    def exchange_all(self) -> None:
        """Until neither node has more."""
        engine = self.engine
        rounds_left = ROUNDS_AFTER_END
        if self.dry_run:
            self.state = PeerState.load(engine._storage, engine._own_key)
        while True:
            engine._enter(SyncPhase.COLLECTING, self.session_id)
            self._collect()
            engine._tell(SyncStage.VALIDATE, self._sent(), self._sent())
            engine._enter(SyncPhase.EXCHANGING, self.session_id)
            response = self._exchange()
            engine._enter(SyncPhase.RECONCILING, self.session_id)
            payloads = engine._known(response, self.result)
            count = sum(len(payload.records) + len(payload.deletes) for payload in payloads)
            engine._tell(SyncStage.CLASSIFY, count, count)
            if not self.dry_run:
                engine._enter(SyncPhase.COMMITTING, self.session_id)
            self._commit(response, payloads)
            engine._tell(SyncStage.MUTATE, count, count)
            if not self.page.has_more and not response.has_more:
                if self.dry_run or not (self.page or count) or not rounds_left:
                    break
                rounds_left -= 1
        engine._report(self.applied, self.result)
        self.result.errors[:] = dict.fromkeys(self.result.errors)

    def _sent(self) -> int:
        return sum(len(p.records) + len(p.deletes) for p in self.page.payloads.values())

    def _collect(self) -> None:
        engine = self.engine
        engine._clock.reserve()
        with engine._work(undo=self.dry_run):
            if not self.dry_run:
                self.state = PeerState.load(engine._storage, engine._own_key)
                if self.full is not None:
                    self.state.received = self.full.received
            now = engine._arrival([], dry_run=self.dry_run)
            self.page = engine._collector.page(self.state.sent, now, self.state.view())
        for label, payload in self.page.payloads.items():
            self.result.pushed[label].extend([*payload.records, *payload.deletes])

    def _exchange(self) -> SyncManifest:
        engine = self.engine
        manifest = engine._manifest(self.page, self.state.received)
        if self.dry_run:
            manifest.payloads, manifest.fresh, manifest.dry_run = [], None, True
        if self.full is not None:
            manifest.resync = self.full.purged
        manifest.checksum = manifest.compute_checksum()
        response = self.transport.exchange(manifest)
        engine._limits.check(response)
        before = (manifest.checkpoint, manifest.after_keys)
        stuck = response.has_more and (response.checkpoint, response.after_keys) == before
        if stuck and not response.resync and not any(p.records or p.deletes for p in response.payloads):
            raise SyncAbortedError(f"node {response.node_id!r} has more, but does not give it")
        return response

    def _commit(self, response: SyncManifest, payloads: list[ModelPayload]) -> None:
        engine, state = self.engine, self.state
        with engine._work(undo=self.dry_run):
            if not self.dry_run:
                stored = PeerState.load(engine._storage, engine._own_key)
                if (stored.sent, stored.own) != (state.sent, state.own):
                    raise SyncAbortedError(f"another session of node {engine._node_id!r} was quicker")
            view = state.view(
                sent={label: payload.records for label, payload in self.page.payloads.items()},
                sent_deletes={label: payload.deletes for label, payload in self.page.payloads.items()},
                fresh=response.fresh,
                checkpoint=state.received.floor,
            )
            now = engine._arrival(payloads, dry_run=self.dry_run)
            sent = self.page.cursor
            if not self.page.has_more:
                meanwhile = engine._collector.page(sent, now, view)
                sent = sent if meanwhile else meanwhile.cursor
            self.applied = engine._applier.apply(
                payloads,
                state.held,
                view,
                received_at=now,
                new_stamp=engine._clock.peek if self.dry_run else engine._clock.now,
                result=self.result,
                write=not self.dry_run,
            )
            if self.applied.own:
                state.own.add(now)
            if not self.dry_run:
                self._insist(replace(view, own=frozenset(state.own)))
            state.held = self.applied.held
            state.sent = self.page.cursor if self.applied.released else sent
            state.received = Cursor.read(response.checkpoint, response.after_keys)
            kept = self._compared(response, view, now)
            if not self.dry_run:
                replace(state, received=kept).save(engine._storage, engine._own_key)

    def _insist(self, view: PeerView) -> None:
        """Send again what the peer was believed to have, and has just shown otherwise."""
        storage = self.engine._storage
        for label, payload in self.applied.response.items():
            here = storage.get_records(label, list(payload.records))
            again = {
                key: replace(record, received_at=stamp, arrivals={WHOLE: stamp})
                for key, record in here.items()
                if view.knows_record(label, record) and (stamp := self.engine._clock.now())
            }
            if again:
                storage.upsert_many(label, again)
            for key, tombstone in storage.get_tombstones(label, list(payload.deletes)).items():
                if view.knows_tombstone(label, key, tombstone):
                    storage.delete_many(label, {key: tombstone.stamp}, self.engine._clock.now())

    def _compared(self, response: SyncManifest, view: PeerView, now: int) -> Cursor:
        """What to keep as received: during a full comparison what was there before it."""
        if response.resync and self.full is None:
            before = PeerState.load(self.engine._storage, self.engine._own_key).received
            self.full = FullCompare(response.resync, before)
            self.state.received = Cursor()
            self.full.confirm(self.page.payloads.values())
            return before
        if self.full is None:
            return self.state.received
        self.full.received = self.state.received
        self.full.confirm(self.page.payloads.values())
        self.full.confirm(response.payloads)
        if response.has_more:
            return self.full.before
        if not self.dry_run:
            has = replace(view, has=self.state.sent)
            engine = self.engine
            if self.full.delete_others(engine._storage, engine._graph, has, now, self.result):
                self.state.own.add(now)
        self.full = None
        return self.state.received


def _add(payloads: dict[str, ModelPayload], more: dict[str, ModelPayload]) -> None:
    for label, payload in more.items():
        into = payloads.setdefault(label, ModelPayload(label))
        for key, record in payload.records.items():
            into.deletes.pop(key, None)
            into.records[key] = record
        for key, stamp in payload.deletes.items():
            into.records.pop(key, None)
            into.deletes[key] = stamp
