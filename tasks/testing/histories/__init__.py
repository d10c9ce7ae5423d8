"""Histories: what people do on both sides, the runs between, what goes wrong in them, and who judges it."""
