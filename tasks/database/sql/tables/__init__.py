"""The user's tables as the database has them now: columns, foreign keys, order; and Lockstep's own beside them."""
