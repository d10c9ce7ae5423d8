"""The sender of webhooks: what changed in the workspace, told to those who subscribed."""

from sandbox.notion.webhooks.sender import Behaviour, Delivery, Sender, Subscription

__all__ = ["Behaviour", "Delivery", "Sender", "Subscription"]
