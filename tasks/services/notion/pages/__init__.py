"""One page: its values, its content, and what is known of it from before."""
