"""Records read from the user's tables and written into them, with what is known of each."""
