"""`lockstep nodes`: the database nodes of this installation, and what does not get from one to another."""
