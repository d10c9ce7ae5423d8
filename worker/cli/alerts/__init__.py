"""`lockstep alerts`: what a person must hear of, what was, and whether messages arrive."""
