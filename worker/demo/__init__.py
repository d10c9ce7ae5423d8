"""A guided tour: everything started for real on this machine, a sync watched, everything ended."""

from worker.demo.tour import main

__all__ = ["main"]
