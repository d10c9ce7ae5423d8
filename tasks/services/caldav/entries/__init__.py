"""To-dos and events: their attributes, and the lines that say them."""
