"""Notion's webhooks: the handshake of a new subscription, the endpoint, and the tasks that are woken by an event."""
