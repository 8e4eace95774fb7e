"""API tokens: `Authorization: Token …`, stored hashed, expiring."""

from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class ApiToken(TokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """knox's tokens; a header that is no text is refused like any wrong token (knox 5.1 raises there)."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        try:
            user_and_token: tuple[Any, Any] = super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
        return user_and_token
