"""Commands about when tasks run."""
