"""Commands that start processes or let others in: up, sandbox, webhooks."""
