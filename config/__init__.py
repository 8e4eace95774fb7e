"""Settings, addresses and process entry points: the only package that reads the environment."""

from config.celery import app as celery_app
from config.memory import keep_memory_ready

__all__ = ["celery_app"]

keep_memory_ready()
