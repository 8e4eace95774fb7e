"""Redis and RabbitMQ: how long each of them is waited for, so that one that hangs is noticed."""

from typing import Any

REDIS_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}  # seconds
RABBITMQ_OPTIONS = {"read_timeout": 5, "write_timeout": 5, "max_retries": 1}  # seconds


def transport_options(url: str) -> dict[str, Any]:
    """Celery's transport options for the broker at `url`; none without a broker."""
    if not url:
        return {}
    return REDIS_OPTIONS if url.startswith("redis") else RABBITMQ_OPTIONS
