"""Plant bugs in how writes are begun ahead and kept in groups, and see whether their tests find each of them.

python proof/write_mutants.py [NAME ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

APPLY, GROUPS, WRITING, ADAPTER = (
    f"tasks/engine/{name}.py" for name in ("apply", "groups", "writing", "adapter")
)
TOGETHER, UNINTERRUPTED = "tasks/journal/together.py", "tasks/uninterrupted.py"
SIDES, PLANNER, SETTLED = "tasks/sync_task/sides.py", "tasks/merge/planner.py", "tasks/merge/settled.py"
UNTOUCHED, MODEL = "tasks/merge/untouched.py", "tasks/merge/model.py"
READING, NAMING = "tasks/engine/reading.py", "tasks/engine/naming.py"
CANONICAL = "tasks/values/canonical.py"

MUTANTS = [
    Mutant("nothing planted", APPLY, "", ""),
    Mutant(
        "creates are begun ahead though a listing lags behind",
        APPLY,
        "few if side.settling else AHEAD * few",
        "AHEAD * few",
    ),
    Mutant(
        "updates are begun as far ahead as creates",
        APPLY,
        "nullcontext() if makes_only(group) else places",
        "nullcontext()",
    ),
    Mutant("creates are begun no further ahead than other writes", APPLY, "AHEAD = 4", "AHEAD = 1"),
    Mutant("creates are begun as far ahead as there are any", APPLY, "AHEAD = 4", "AHEAD = 400"),
    Mutant(
        "updates count as creates",
        GROUPS,
        "        and isinstance(first, Create)\n        and first.instead_of is None\n",
        "        and getattr(first, 'instead_of', None) is None\n",
    ),
    Mutant(
        "the call is made before its intent is kept",
        WRITING,
        "        await self.bases.journal.begin(intent if intent.values else None, effect)\n"
        "        async with self.slots[intent.side]:\n            self.check_lock()\n            try:\n"
        "                yield\n",
        "        async with self.slots[intent.side]:\n            self.check_lock()\n            try:\n"
        "                yield\n"
        "                await self.bases.journal.begin(intent if intent.values else None, effect)\n",
    ),
    Mutant(
        "as many calls are made at once as creates are begun",
        WRITING,
        "Places(max(1, side.concurrency))",
        "Places(99)",
    ),
    Mutant(
        "the lock is not looked at before a call",
        WRITING,
        "        async with self.slots[intent.side]:\n            self.check_lock()\n            try:\n",
        "        async with self.slots[intent.side]:\n            try:\n",
    ),
    Mutant(
        "the intent of a create stays open",
        WRITING,
        "        await self.bases.put(link, instead_of=old, settle=(key,))\n",
        "        await self.bases.put(link, instead_of=old)\n",
    ),
    Mutant(
        "a writer goes on before its part is durable",
        TOGETHER,
        "        await waited_for(done)\n",
        "        await asyncio.sleep(0)\n",
    ),
    Mutant(
        "a part whose group failed counts as kept",
        TOGETHER,
        "own = error if error is None or len(group) == 1 else self._error_of([part])",
        "own = None",
    ),
    Mutant(
        "all parts of a group fail with one of them",
        TOGETHER,
        "own = error if error is None or len(group) == 1 else self._error_of([part])",
        "own = error",
    ),
    Mutant(
        "the event loop is woken for each part",
        TOGETHER,
        "                    loop.call_soon_threadsafe(_tell, of_loop)\n",
        "                    for end in of_loop:\n"
        "                        loop.call_soon_threadsafe(_tell, [end])\n",
    ),
    Mutant(
        "a loop that was closed takes the parts of others with it",
        TOGETHER,
        "with suppress(RuntimeError):",
        "with suppress(KeyError):",
    ),
    Mutant(
        "who is cancelled does not wait for what was begun",
        UNINTERRUPTED,
        "            cancelled = error\n",
        "            cancelled = error\n            break\n",
    ),
    Mutant(
        "a task's own keyed create is passed over",
        SIDES,
        'if not getattr(keyed, "hands_on", False) or not inspect',
        "if not inspect",
    ),
    Mutant(
        "coroutines that plain methods hand out are taken for answers",
        ADAPTER,
        "if not any(map(inspect.isawaitable, answers)):",
        "if True:",
    ),
    Mutant(
        "records with the same hash count as alike",
        PLANNER,
        "alike = shows_base(left.values, right.values, self.policy.attributes)",
        "alike = True",
    ),
    Mutant(
        "what cannot be read is not told where another value is plain",
        PLANNER,
        "if not PLAIN.issuperset(map(type, record.values.values()))",
        "if PLAIN.isdisjoint(map(type, record.values.values()))",
    ),
    Mutant(
        "references of the right side are not found",
        SETTLED,
        "        right is left or PLAIN",
        "        True or PLAIN",
    ),
    Mutant(
        "values of two types count as the same",
        UNTOUCHED,
        "        and kinds == [*map(type, two.values())]  # else 1 would be true\n",
        "",
    ),
    Mutant(
        "types are compared by their place, though the names have others",
        UNTOUCHED,
        "        and [*one] == [*two]  # types are told apart by place\n",
        "",
    ),
    Mutant(
        "what cannot be read counts as the same",
        UNTOUCHED,
        "        PLAIN.issuperset(kinds)\n        and kinds",
        "        kinds",
    ),
    Mutant(
        "of an object that is listed twice all is asked twice",
        READING,
        '            if name == "key" and (str(part["id"])',
        '            if False and (str(part["id"])',
    ),
    Mutant(
        "coroutines that are left over are not closed",
        READING,
        "            if not all(there):\n",
        "            if False:\n",
    ),
    Mutant(
        "an action with a name lacks the rest",
        MODEL,
        "        for each in self.__dataclass_fields__:\n",
        '        for each in ("reason", "left_id", "right_id", "left", "right"):\n',
    ),
    Mutant(
        "what was known of an address is lost with a new title",
        NAMING,
        "name.address or known.address) if known else name",
        "name.address or known.address) if False else name",
    ),
    Mutant(
        "an object that looks like a type of ours is kept as it is",
        CANONICAL,
        '    return _typed("map", plain) if TYPE_KEY in plain else plain\n',
        "    return plain\n",
    ),
    Mutant(
        "half a surrogate pair is kept as it is",
        CANONICAL,
        '        return text.encode("utf-8", "backslashreplace").decode()\n',
        "        return text\n",
    ),
    Mutant(
        "half a surrogate pair cannot be read",
        CANONICAL,
        "    except ValueError:  # half a surrogate pair, or no JSON\n",
        "    except UnicodeError:\n",
    ),
    Mutant(
        "what came first is written first",
        CANONICAL,
        "        return {key: value[key] for key in sorted(value)}\n",
        "        return dict(value)\n",
    ),
    Mutant(
        "what came first in what is not plain is written first",
        CANONICAL,
        "    plain = {key: to_json(value[key]) for key in sorted(value)}\n",
        "    plain = {key: to_json(value[key]) for key in value}\n",
    ),
    Mutant(
        "what stands for a value of another type is taken as it stands",
        CANONICAL,
        "        and TYPE_KEY not in value\n",
        "",
    ),
]

SUITES = (
    "tests/tasks/engine/test_ahead.py",
    "tests/tasks/engine/test_calls.py",
    "tests/tasks/engine/test_keyed_creates.py",
    "tests/tasks/engine/test_naming.py",
    "tests/tasks/engine/test_reading.py",
    "tests/tasks/journal/test_together.py",
    "tests/tasks/merge/test_alike.py",
    "tests/tasks/values/test_values.py",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args(arguments)
    ground = Ground(
        parts=(
            *("config", "tasks", "worker", "tests/conftest.py", "tests/harness", "tests/world"),
            *("tests/tasks/boards.py", "tests/tasks/mapping", *SUITES),
            "tests/tasks/sync_task/seed_style.py",
        ),
        arguments=SUITES,
    )
    return exit_status(plant(MUTANTS, options.names, ground, at_once=2))


if __name__ == "__main__":
    sys.exit(main())
