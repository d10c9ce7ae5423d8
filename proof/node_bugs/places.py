"""Where bugs are planted, and which tests must find them."""

from __future__ import annotations

HERE = "tasks/database/"
RECONCILER, APPLYING, ENGINE = (
    HERE + "deciding/reconciler.py",
    HERE + "deciding/applying.py",
    HERE + "engine/engine.py",
)
ASKING, NODE = HERE + "engine/asking.py", HERE + "engine/node.py"
COLLECT, PEER, VIEW, CLOCK = (
    HERE + "engine/collect.py",
    HERE + "storages/peer.py",
    HERE + "storages/view.py",
    HERE + "records/clock.py",
)
ANSWERING = HERE + "engine/answering.py"
ACCOUNTING = HERE + "deciding/accounting.py"
JOINING = HERE + "deciding/joining.py"
EXCHANGE = HERE + "deciding/exchange.py"
CLOCK_TESTS = "tests/tasks/database/test_clock.py"
ENGINE_TESTS = "tests/tasks/database/test_engine.py"
PAGE_TESTS = "tests/tasks/database/test_page.py"
STORIES = "tests/tasks/database/test_better_than_the_page.py"
AHEAD_TESTS = "tests/tasks/database/test_asking_ahead.py"
RESTAMP, RESTAMP_TESTS = HERE + "engine/restamp.py", "tests/tasks/database/test_restamp.py"
LEDGER_TESTS = "tests/tasks/database/test_ledger.py"

SQL, TRANSPORT = HERE + "sql/", HERE + "transport/"
CONTRACT = "tests/tasks/database/sql/test_contract.py -k sqlite"
STORAGE_TESTS, CAPTURE_TESTS = (f"tests/tasks/database/sql/test_{name}.py" for name in ("storage", "capture"))
NODES_TESTS = "tests/tasks/database/sql/test_nodes.py -k sqlite"
TYPES_TESTS = "tests/tasks/database/sql/test_types.py"
SERVER_TESTS, HTTP_TESTS = (f"tests/tasks/database/transport/test_{name}.py" for name in ("server", "http"))
RESTORE_TESTS, SCHEMA_TESTS, UNWATCHED_TESTS = (
    f"tests/tasks/database/sql/test_{name}.py" for name in ("restores", "schema_changes", "unwatched")
)
