"""Print a `.env` for one checkout: development mode and keys that nobody else has."""

import secrets

from cryptography.fernet import Fernet

FRESH = {
    "DEBUG": "1",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "SENTRY_CLIENT_ID": secrets.token_hex(32),
    "SENTRY_CLIENT_SECRET": secrets.token_hex(32),
    "FME_ADMIN_API_KEY": secrets.token_hex(24),
}

for name, value in FRESH.items():
    print(f"{name}={value}")
