"""Files that both sides changed: both come to the same, and nothing is lost that nobody took away."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.merge import Conflict, End, Intent, Link, Policy, Record, Snapshot, Update, make_plan
from tasks.merge.attributes import merge_attributes
from tasks.values.canonical import dump, load, same
from tasks.values.file import File, sorted_files

EXAMPLES = int(os.environ.get("FILES_EXAMPLES", "150"))

#: A file in the oracle's words: name and bytes.
FILES = st.frozensets(st.tuples(st.sampled_from("ab"), st.integers(0, 4)), max_size=4)
Held = frozenset[tuple[str, int]]


def here(files: Held, known: Held) -> tuple[File, ...]:
    """As a side shows them that tells digests only of what it was synced with."""
    return sorted_files(
        File(name, f"sha256:{data}" if (name, data) in known else f"notion:{data}", place=f"{data}")
        for name, data in files
    )


def there(files: Held) -> tuple[File, ...]:
    return sorted_files(File(name, f"sha256:{data}") for name, data in files)


def plain(value: tuple[File, ...]) -> Held:
    return frozenset((file.name, int(file.content.partition(":")[2])) for file in value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(base=FILES, ours=FILES, theirs=FILES, linked=st.booleans())
def test_two_runs_bring_both_sides_to_all_that_was_added(
    base: Held, ours: Held, theirs: Held, linked: bool
) -> None:
    before: Held = base if linked else frozenset()
    bases = {"files": here(before, before)}, {"files": there(before)}
    link = Link("l", "r", *bases) if linked else Link("l", "r", {}, {})
    policy = Policy(["files"])
    left, right, known = ours, theirs, before
    for _ in range(3):
        merged = merge_attributes(
            policy, link, Record("l", {"files": here(left, known)}), Record("r", {"files": there(right)}), {}
        )
        assert not merged.conflicts
        link_left, link_right = dict(link.left), dict(link.right)
        for side, (value, _) in ((side, one["files"]) for side, one in merged.to_write.items() if one):
            if side is End.RIGHT:
                right = plain(value)
                known |= left & right  # whose bytes have moved
                shown = there(right)
                own = merged.own.get("files")
                link_left["files"] = here(left, known)
                link_right["files"] = shown if own is None else own.base(shown)
            else:
                left = plain(value)
                known |= left
                link_left["files"], link_right["files"] = here(left, known), there(right)
        if merged.agreed:
            link_left["files"], link_right["files"] = here(left, known), there(right)
        link = Link("l", "r", link_left, link_right)
    assert left == right
    added = (ours - before) | (theirs - before)
    removed = (before - ours) | (before - theirs)
    assert left == (before - removed) | added


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.builds(
            File,
            st.text(max_size=5),
            st.text(max_size=9),
            st.none() | st.integers(0, 9**12),
            st.text(max_size=5),
        )
    )
)
def test_files_are_kept_as_they_are(files: list[File]) -> None:
    value = sorted_files(files)
    back = load(dump(value))
    assert back == value
    assert same(back, value)
    assert [(one.size, one.place) for one in back] == [(one.size, one.place) for one in value]


def test_an_address_or_a_size_makes_no_other_file() -> None:
    one = File("a", "sha256:1", 3, "x")
    assert same((one,), (File("a", "sha256:1", None, "y"),))
    assert not same((one,), (File("a", "sha256:2", 3, "x"),))
    assert not same((one,), (File("b", "sha256:1", 3, "x"),))


@settings(max_examples=EXAMPLES, deadline=None)
@given(base=FILES, written=FILES, more=FILES, less=FILES, ours=FILES, came=st.booleans(), said=st.booleans())
def test_what_somebody_added_after_a_write_without_an_answer_is_kept(
    base: Held, written: Held, more: Held, less: Held, ours: Held, *, came: bool, said: bool
) -> None:
    """Also where the side from which it came is as before by now: what it showed was never seen across."""
    theirs = ((written if came else base) - less) | more
    link = Link("l", "r", {"files": there(base)}, {"files": there(base)})
    intent = Intent("k", End.RIGHT, "l", {"files": there(written)}, "r", answered=said)
    views = [
        Snapshot(End.LEFT, {"l": Record("l", {"files": there(ours)})}),
        Snapshot(End.RIGHT, {"r": Record("r", {"files": there(theirs)})}),
    ]
    made = make_plan([link], *views, Policy(["files"]), [intent])
    assert not [action for action in made.actions if isinstance(action, Conflict)]
    writes = {one.side: one.changes["files"].new for one in made.actions if isinstance(one, Update)}
    right = plain(writes.get(End.RIGHT, there(theirs)))
    left = plain(writes.get(End.LEFT, there(ours)))
    # What only people can have put there, and nobody took away, at either side.
    assert more - written - base <= right
    assert ours - base - written <= left
    assert (ours - base - written) <= right
    if End.RIGHT not in writes:
        assert more - written - base <= left
    # And what the write brought, and somebody took away where it came from.
    assert not ((written - base) & theirs) - ours - more & right
