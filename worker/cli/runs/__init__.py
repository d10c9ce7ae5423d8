"""Commands that make runs and look at them: run, plan, apply, undo, verify, tasks and history."""
