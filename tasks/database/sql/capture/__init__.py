"""Triggers that stamp every edit, and what is done about edits that none of them saw."""
