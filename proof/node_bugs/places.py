"""Where bugs are planted, and which tests must find them."""

from __future__ import annotations

HERE = "tasks/database/"
RECONCILER, APPLYING, ENGINE = HERE + "reconciler.py", HERE + "applying.py", HERE + "engine.py"
ASKING, NODE = HERE + "asking.py", HERE + "node.py"
COLLECT, PEER, VIEW, CLOCK = HERE + "collect.py", HERE + "peer.py", HERE + "view.py", HERE + "clock.py"
ANSWERING = HERE + "answering.py"
ACCOUNTING = HERE + "accounting.py"
JOINING = HERE + "joining.py"
EXCHANGE = HERE + "exchange.py"
CLOCK_TESTS = "tests/tasks/database/test_clock.py"
ENGINE_TESTS = "tests/tasks/database/test_engine.py"
PAGE_TESTS = "tests/tasks/database/test_page.py"
STORIES = "tests/tasks/database/test_better_than_the_page.py"
AHEAD_TESTS = "tests/tasks/database/test_asking_ahead.py"
RESTAMP, RESTAMP_TESTS = HERE + "restamp.py", "tests/tasks/database/test_restamp.py"
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
