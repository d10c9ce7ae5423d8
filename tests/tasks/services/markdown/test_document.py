"""The parts of a note: all bytes are kept, and a new content takes only the place of the old one."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.services.markdown.document import NoteError, new_document, normal, parse

EXAMPLES = int(os.environ.get("MARKDOWN_EXAMPLES", "80"))
LINES = st.lists(
    st.sampled_from(
        ["", "a", "# Head", "---", " ", "- [ ] b", "two  ", "\ufeff", "k: v", "\u2028x", "ö\tz", "..."]
    ),
    max_size=8,
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    text = draw(st.sampled_from(["", "\ufeff"]))
    end = draw(ENDS)
    if draw(st.booleans()):
        text += (
            draw(st.sampled_from(["---", "--- "]))
            + end
            + draw(st.sampled_from(["", f"a: 1 # c{end}", f"# only{end}"]))
        )
        text += "---" + draw(st.sampled_from(["", end]))
    mixed = draw(st.booleans())
    lines = draw(LINES)
    text += "".join(line + (draw(ENDS) if mixed else end) for line in lines)
    return (text.rstrip("\r\n") if draw(st.booleans()) else text).encode()


@settings(max_examples=EXAMPLES, deadline=None)
@given(files() | st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
@example(b"---\n---")
@example(b"---\nk: v\n---\n\n\ntext\r\n\r\n")
def test_the_parts_of_a_note_are_its_bytes(data: bytes) -> None:
    try:
        document = parse(data)
    except NoteError:
        return
    assert document.data == data
    assert normal(document.content) == document.content
    assert document.with_content(document.content) is document


@settings(max_examples=EXAMPLES, deadline=None)
@given(files(), LINES.map("\n".join))
@example(b"", "---\na: 1\n---")
@example(b"---\na: 1\n---", "x")
def test_a_new_content_takes_only_the_place_of_the_old_one(data: bytes, content: str) -> None:
    try:
        document = parse(data)
    except NoteError:
        return
    made = document.with_content(content)
    again = parse(made.data)
    assert again.content == normal(content)
    assert again.matter.text == document.matter.text
    head = document.bom + document.opening + document.matter.text + document.closing
    assert made.text.startswith(head)
    if document.content and normal(content):
        assert made.data.endswith(document.tail.encode())
        assert made.lead == document.lead
    assert parse(made.with_content(document.content).data).content == document.content


def test_lines_that_stay_keep_their_ends() -> None:
    document = parse(b"one\r\ntwo\nthree\r\nfour")
    assert document.with_content("one\ntwo\nnew\nthree\nfour").data == b"one\r\ntwo\nnew\r\nthree\r\nfour"
    assert document.with_content("two\nthree").data == b"two\nthree"
    assert parse(b"\n\na\n\n").with_content("b\nc").data == b"\n\nb\nc\n\n"
    assert new_document().with_content("a").data == b"a\n"
    assert (
        parse(b"\xef\xbb\xbf---\r\nk: 1\r\n---\r\na").with_content("b").data
        == b"\xef\xbb\xbf---\r\nk: 1\r\n---\r\nb"
    )


def test_a_content_that_looks_like_front_matter_is_none() -> None:
    made = parse(b"old\n").with_content("---\ntitle: x\n---\ntext")
    assert made.data == b"---\n---\n---\ntitle: x\n---\ntext\n"
    assert parse(made.data).content == "---\ntitle: x\n---\ntext"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\xff\xfea\x00", "UTF-16"),
        (b"caf\xe9\n", "byte 3"),
        (b"---\na: [\n---\n", "front matter"),
        (b"---\njust text\n---\n", "no list"),
        (b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n", "finish the merge"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, word: str) -> None:
    with pytest.raises(NoteError, match=word):
        parse(data)


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(NoteError, match="surrogate"):
        new_document().with_content("\ud800")
    with pytest.raises(NoteError, match="marks of a merge"):
        new_document().with_content("<<<<<<< a\n=======\n>>>>>>> b")


def test_a_content_that_begins_like_a_mark_of_the_order_of_bytes_is_none() -> None:
    assert parse(new_document().with_content("\ufeffa").data).content == "\ufeffa"
