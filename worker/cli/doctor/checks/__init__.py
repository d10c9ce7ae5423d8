"""What the facts mean, and the mend: pure functions."""
