"""One run of a node: what it asks of its peers, and what it answers them."""
