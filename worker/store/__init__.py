"""What may not be lost, in SQL: links with their bases, begun writes, runs, plans, and the conflicts' ledger. A run
writes by a `SqlJournal`, which refuses it once a newer session of the node has written.
"""

from worker.store.journal import SqlJournal
from worker.store.store import Store
from worker.store.tables.run_record import RAN, RunRecord

__all__ = ["RAN", "RunRecord", "SqlJournal", "Store"]
