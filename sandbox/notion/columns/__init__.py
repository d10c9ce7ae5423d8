"""Columns of data sources and the values under them, with formulas and rollups."""
