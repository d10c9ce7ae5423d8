"""Values of columns as JSON, alike on every database, and back."""
