"""Bugs on the wire."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import HTTP_TESTS, SERVER_TESTS, TRANSPORT

MUTANTS = [
    Mutant(
        "a signature does not cover the path",
        TRANSPORT + "signing.py",
        "parts = (kind, node_id, path, at,",
        'parts = (kind, node_id, "", at,',
        SERVER_TESTS,
    ),
    Mutant(
        "old requests are taken",
        TRANSPORT + "signing.py",
        "if abs(apart) > WINDOW:",
        "if abs(apart) > 10 * WINDOW:",
        SERVER_TESTS,
    ),
    Mutant(
        "anybody may answer",
        TRANSPORT + "signing.py",
        "        if self.token:\n            return True\n",
        "        return True\n",
        HTTP_TESTS,
    ),
    Mutant(
        "a redirect gets the secret",
        TRANSPORT + "http.py",
        "follow_redirects=False",
        "follow_redirects=True",
        HTTP_TESTS,
    ),
    Mutant(
        "a small body may become huge",
        TRANSPORT + "wire.py",
        "unpacker.decompress(body, json_max + 1)",
        "unpacker.decompress(body)",
        "tests/tasks/database/sql/test_openapi.py -k huge",
    ),
]
