"""Databases of the same shape on several machines, kept in step with each other."""
