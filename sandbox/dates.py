"""PURE: Sentry's way of writing a moment."""

import time


def iso(seconds: float) -> str:
    """Unix seconds as Sentry's date text: UTC, microseconds, Z."""
    whole = int(seconds // 1)
    micro = min(999_999, round((seconds - whole) * 1_000_000))
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{micro:06d}Z"
