"""Signatures of webhooks. Sentry's, which come in: lower-case hex HMAC-SHA256 over the exact bytes of the body.

The same for both webhooks; only the secret differs: the hook's own, or the Sentry App's client secret.
Ours, which go out with notices, follow Standard Webhooks (standardwebhooks.com).
"""

import base64
import hashlib
import hmac
from typing import Final

STANDARD_PREFIX: Final = "whsec_"


def sign(body: bytes, secret: str) -> str:
    """Return the signature Sentry would send with this body: 64 lower-case hex digits."""
    return hmac.new(_key(secret), body, hashlib.sha256).hexdigest()


def verify(body: bytes, secret: str, signature: str) -> bool:
    """Whether the signature belongs to exactly these bytes; in constant time, and never raises.

    An empty secret verifies nothing: anybody could compute that signature.
    """
    if not secret:
        return False
    return hmac.compare_digest(sign(body, secret).encode(), signature.encode("utf-8", "surrogatepass"))


def new_standard_secret(chance: bytes) -> str:
    """A secret as Standard Webhooks writes it, of 24 to 64 random bytes."""
    return STANDARD_PREFIX + base64.b64encode(chance).decode()


def sign_standard(body: bytes, secret: str, *, message_id: str, timestamp: int) -> str:
    """The value of `webhook-signature` for a message of ours."""
    key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX))
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def _key(secret: str) -> bytes:
    # "surrogatepass": an odd secret gives a signature that matches nothing, not an error.
    return secret.encode("utf-8", "surrogatepass")
