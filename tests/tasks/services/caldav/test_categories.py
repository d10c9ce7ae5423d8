"""Names of categories in the lines that hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.lines.content_lines import Component, escape, split_list
from tests.tasks.services.caldav.texts import NOW, edited_lines, read, resource


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        (["new\\,1,new\\;1"], ("new,1", "new;1", "c"), ["CATEGORIES:new\\,1,new\\;1,c"]),
        (["a", ";LANGUAGE=de:b,c"], ("a", "b", "c", "d"), ["CATEGORIES:a,d", "CATEGORIES;LANGUAGE=de:b,c"]),
        (["a", ";LANGUAGE=de:b,c"], ("a", "c"), ["CATEGORIES:a", "CATEGORIES;LANGUAGE=de:c"]),
        (["a", ";LANGUAGE=de:b,c"], ("b", "c"), ["CATEGORIES;LANGUAGE=de:b,c"]),
        ([";LANGUAGE=de:b"], ("b", "d"), ["CATEGORIES;LANGUAGE=de:b", "CATEGORIES:d"]),
        (["a", "X", "b"], (), []),
        ([" a , b"], (" a", "c"), ["CATEGORIES: a ,c"]),
    ],
)
def test_tags_stay_in_their_lines(before: list[str], new: tuple[str, ...], after: list[str]) -> None:
    written = ["CATEGORIES" + (line if line.startswith(";") else f":{line}") for line in before]
    found = edited_lines(resource(*written), {"categories": new})
    assert [line for line in found if line.startswith("CATEGORIES")] == after


TAG = st.text(st.sampled_from("ab,;\\ ü"), min_size=1, max_size=4).map(str.strip).filter(bool)


TAG_LINES = st.lists(
    st.tuples(st.sampled_from(["", ";LANGUAGE=de", ";X-A=b"]), st.lists(TAG, min_size=1, max_size=3)),
    max_size=4,
)


@given(TAG_LINES, st.sets(TAG, max_size=4), st.data())
def test_any_edit_of_tags_touches_only_the_lines_that_it_means(
    tag_lines: list[tuple[str, list[str]]], extra: set[str], data: st.DataObject
) -> None:
    old = {tag for _, tags in tag_lines for tag in tags}
    new = {tag for tag in old if data.draw(st.booleans())} | extra
    text = resource(*(f"CATEGORIES{params}:{','.join(map(escape, tags))}" for params, tags in tag_lines))
    assert read(text).values["categories"] == tuple(sorted(old))
    edited = TODOS.edit(text, "1", {"categories": tuple(new)}, now=NOW)
    assert (edited is None) == (new == old)
    if edited is None:
        return
    assert set(read(edited).values["categories"]) == new
    left = [(params, [tag for tag in tags if tag in new]) for params, tags in tag_lines]
    expected = [[params, tags] for params, tags in left if tags]
    added = sorted(new - old)
    found = []
    for prop in Component.parse(edited).components("VTODO").__next__().properties("CATEGORIES"):
        params = "".join(f";{key}={value}" for key, value in prop.params)
        found.append([params, split_list(prop.value)])
    plain = next((index for index, (params, _) in enumerate(expected) if not params), None)
    if added and plain is None:
        expected.append(["", []])
        plain = len(expected) - 1
    if added and plain is not None:
        assert sorted(found[plain][1][len(expected[plain][1]) :]) == added
        found[plain][1] = found[plain][1][: len(expected[plain][1])]
    assert found == expected
