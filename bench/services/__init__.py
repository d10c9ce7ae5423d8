"""What a run asks of each service: for a first link, in an idle poll, and for one change, write, create and delete."""

from bench.services.runs import measure, measured

__all__ = ["measure", "measured"]
