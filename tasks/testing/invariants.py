"""The invariants of a two-way sync that a run of the kit can find broken, under the numbers of the field."""

from __future__ import annotations

from enum import Enum


class Invariant(Enum):
    """What must hold, with its number and in plain words."""

    CONTRACT = ("contract", "of the methods", "Every method does what its description says.")
    IDEMPOTENCE = ("I1", "idempotence", "After a good run without edits, the next one writes nothing.")
    CONVERGENCE = ("I2", "convergence", "When edits stop, both sides show the same after a few runs.")
    NO_LOST_UPDATE = (
        "I3",
        "no lost update",
        "What a person wrote is live, was overwritten by somebody who had seen it, or is in the ledger.",
    )
    PROOF_FIRST = ("I4", "base after proof", "A write that failed is made up for by a later run.")
    NO_RESURRECTION = ("I5", "no resurrection", "What was deleted stays deleted.")
    DELETE_OR_EDIT = ("I6", "delete against edit", "An edit survives a deletion across, or is in the ledger.")
    CRASH = (
        "I7",
        "crash equivalence",
        "A crash at any point changes nothing in the end, and doubles nothing.",
    )
    PARTIAL = ("I8", "partial is not absent", "Nothing is deleted because a listing did not show it.")
    STABLE_IDS = ("I11", "stable ids", "An object keeps its id and its counterpart.")
    CLOCKS = ("I13", "clocks", "Times have zones, follow the edits, and decide nothing but true conflicts.")
    DELTAS = ("I16", "complete changes", "Changes since a cursor agree with the full listing.")
    ISOLATION = ("I17", "failure isolation", "One object that fails does not hold up the others.")
    DRY_RUN = ("I19", "dry-run purity", "A dry run changes nothing.")
    FIXPOINT = ("I21", "conversion fixpoint", "A value that crosses over and comes back is the same.")
    ACCOUNTING = ("I22", "accounting", "Every object is in exactly one pair in the end.")
    STATE_LOSS = (
        "I24",
        "state loss is safe",
        "Without its memory a task pairs anew; it deletes and doubles nothing.",
    )

    def __init__(self, number: str, title: str, meaning: str) -> None:
        self.number = number
        self.title = title
        self.meaning = meaning

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class BrokenError(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: Invariant, message: str) -> None:
        super().__init__(message)
        self.invariant = invariant
        self.message = message
