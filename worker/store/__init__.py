"""What may not be lost, in SQL: links with their bases, begun creates, runs, and the conflicts' ledger."""

from worker.store.journal import SqlJournal
from worker.store.store import Store
from worker.store.tables.run_record import RAN, RunRecord

__all__ = ["RAN", "RunRecord", "SqlJournal", "Store"]
