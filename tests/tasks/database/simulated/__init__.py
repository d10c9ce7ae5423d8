"""A seeded world of nodes with faults, and an oracle that shares no code with the engine."""
