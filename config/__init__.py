"""Settings, logging and error reporting. Knows nothing of tasks or workers."""

from config.errors import SettingsError
from config.settings import Settings, get_settings, load_settings

__all__ = ["Settings", "SettingsError", "get_settings", "load_settings"]
