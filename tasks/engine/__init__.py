"""One run of two sides: read, plan, guard, apply, remember. It knows no service, no queue and no database."""
