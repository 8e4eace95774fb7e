"""The environment as the product reads it: one `Env`, the `.env` file, and what production must not lack."""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
env = environ.Env()
env.ENVIRON = {name: value for name, value in os.environ.items() if value}  # set to nothing counts as unset


def required(names: tuple[str, ...], *, debug: bool) -> None:
    """Refuse to start in production while one of `names` is unset; raises ImproperlyConfigured naming all of them."""
    missing = [name for name in names if not env.str(name, default="")]
    if missing and not debug:
        raise ImproperlyConfigured(
            f"With DEBUG off these settings are needed and missing: {', '.join(missing)}. "
            "See .env.example for what each of them is."
        )
