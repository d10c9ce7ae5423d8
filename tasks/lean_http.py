"""httpx without its command line, which it loads into every process, with rich and pygments: a twelfth of its start.

Imported before anything that uses httpx.
"""

from __future__ import annotations

import sys

if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # it makes do without it
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
