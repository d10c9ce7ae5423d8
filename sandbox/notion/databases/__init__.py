"""Databases, their data sources and views, and how rows are queried and found."""
