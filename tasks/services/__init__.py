"""The other sides, one package per service."""
