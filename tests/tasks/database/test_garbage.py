from __future__ import annotations

import gc
import threading

import pytest

from tasks.database.garbage import search_put_off


def test_the_search_goes_on_afterwards() -> None:
    with search_put_off():
        assert not gc.isenabled()
        with search_put_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken"), search_put_off():
        raise ValueError("broken")
    assert gc.isenabled()


def test_it_stays_off_where_the_program_wants_it_off() -> None:
    gc.disable()
    try:
        with search_put_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_threads_that_overlap_leave_it_on() -> None:
    began, first_ended = threading.Event(), threading.Event()

    def second() -> None:
        with search_put_off():
            began.set()
            first_ended.wait(30)

    other = threading.Thread(target=second)
    with search_put_off():
        other.start()
        began.wait(30)
    assert gc.isenabled()
    first_ended.set()
    other.join(30)
    assert gc.isenabled()
