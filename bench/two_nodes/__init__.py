"""Two nodes in processes of their own, as each contender has them. Rivals import from here: nothing is loaded early."""
