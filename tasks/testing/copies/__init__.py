"""Copies in memory of what a configured task maps, to be tried without touching its real sides."""
