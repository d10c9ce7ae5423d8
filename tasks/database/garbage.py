"""Python's search for cyclic garbage, put off while a page is worked on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def search_put_off() -> Iterator[None]:
    """No search for garbage meanwhile: it would go through all records of a page, of which none is in a cycle.

    It is put off for one page at most, also with several threads: whoever ends first lets it begin again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
