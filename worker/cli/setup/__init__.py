"""`lockstep init` and `lockstep schema`: from nothing to a first sync, by being asked."""
