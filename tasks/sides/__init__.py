"""The contract of a side."""
