"""Holds a task to what is said of its methods, and plays histories against its own two sides."""
