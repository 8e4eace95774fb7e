"""Sentry's webhook signatures: lower-case hex HMAC-SHA256 over the exact bytes of the body.

The same for both webhooks; only the secret differs: the hook's own, or the Sentry App's client secret.
"""

import hashlib
import hmac


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


def _key(secret: str) -> bytes:
    # "surrogatepass": an odd secret gives a signature that matches nothing, not an error.
    return secret.encode("utf-8", "surrogatepass")
