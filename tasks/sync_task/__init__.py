"""The API that people write a sync with: one class, two sides, its steps as methods."""
