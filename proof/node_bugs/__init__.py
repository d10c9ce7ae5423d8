"""The planted bugs of database nodes: each module here has a list `MUTANTS` of one part's."""

from __future__ import annotations

import importlib
import pkgutil

from planting import Mutant


def all_mutants() -> list[Mutant]:
    """Those of all modules here."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    return [mutant for module in modules for mutant in getattr(module, "MUTANTS", ())]
