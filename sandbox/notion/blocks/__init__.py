"""Blocks, the content of pages."""
