"""Settings, logging and error reporting. Knows nothing of tasks or workers."""

from config.settings import Settings, SettingsError, get_settings

__all__ = ["Settings", "SettingsError", "get_settings"]
