"""What objects that are the same thing have in common, where nothing but their titles says so."""

from __future__ import annotations


def title_key(title: str) -> str:
    """Equal for titles that mean the same thing: without regard to case and to the space around them."""
    return title.strip().casefold()
