"""`lockstep doctor` and a task of the façade, whose sides do not describe themselves."""

from __future__ import annotations

import json

from tests.worker.cli.conftest import Here


def test_sides_that_describe_nothing_answer_all_the_same(here: Here) -> None:
    told = json.loads(here.invoke("doctor", "--json", "--timeout", "10").stdout)
    found = {(one["subject"], one["check"]): (one["state"], one["text"]) for one in told["findings"]}
    assert found["Task to-dos", "side-left"] == ("ok", "Notion answers.")
    assert found["Task to-dos", "side-right"][0] == "ok"
