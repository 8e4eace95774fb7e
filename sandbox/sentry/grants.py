"""Token exchange of an installation: first code, refresh, and the JWT grant for a lost refresh answer.

Answers as observed on Sentry 23.7.1; with the switch `sentry_release` at "2026", as in the 2026 source.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.dates import iso
from sandbox.options import options
from sandbox.sentry.access import SCOPES, Refused, endpoint
from sandbox.store import setting, store

TOKEN_SECONDS = 8 * 3600
JWT_BEARER = "urn:sentry:params:oauth:grant-type:jwt-bearer"
CHALLENGE = {"WWW-Authenticate": 'xBasic realm="api"'}


@endpoint("token", "POST")
def authorizations(request: HttpRequest, uuid: str) -> HttpResponse:
    """POST …/sentry-app-installations/{uuid}/authorizations/: 201 with a new pair of tokens."""
    body = _read(request)
    is_assertion = body.get("grant_type") == JWT_BEARER
    if not is_assertion:
        _check_client(body)
    installation = store().row("SELECT * FROM installations WHERE uuid = ? AND deleted IS NULL", uuid)
    if installation is None:
        raise Refused(404, {"detail": _words("Not found.", "Could not find given sentry app installation")})
    if is_assertion:
        return _by_assertion(request, installation)
    if body.get("grant_type") == "authorization_code":
        return _by_code(body, installation)
    if body.get("grant_type") == "refresh_token":
        return _by_refresh(body, installation)
    raise _forbidden("Invalid grant_type", 403)


def issue_tokens(
    installation: str, scopes: tuple[str, ...] = SCOPES, seconds: float = TOKEN_SECONDS
) -> sqlite3.Row:
    """A new pair for the installation, which replaces its old one: both old tokens die at once."""
    now = time.time()
    with store().write() as db:
        db.execute("DELETE FROM tokens WHERE installation = ? AND is_main = 1", (installation,))
        new = add_token(installation, scopes, now + seconds)
    return store().one("SELECT * FROM tokens WHERE id = ?", new)


def add_token(installation: str, scopes: tuple[str, ...], expires: float, *, is_main: bool = True) -> int:
    return store().insert(
        "tokens",
        installation=installation,
        token=secrets.token_hex(32),
        refresh_token=secrets.token_hex(32),
        scopes=" ".join(scopes),
        created=time.time(),
        expires=expires,
        is_main=int(is_main),
    )


def _by_code(body: dict[str, Any], installation: sqlite3.Row) -> HttpResponse:
    code = body.get("code")
    if not code:
        if setting("sentry_release", "23.7.1") == "2026":
            raise Refused(400, {"code": ["This field is required."]})
        raise Refused(500, {"detail": "Internal Error", "errorId": secrets.token_hex(16)})
    with store().write() as db:
        grant = store().row("SELECT * FROM grants WHERE code = ? AND used = 0", str(code))
        if grant is None:
            raise _forbidden("Could not find grant for given code")
        if grant["installation"] != installation["uuid"]:
            raise _forbidden("Forbidden grant")
        if grant["expires"] <= time.time():
            raise _forbidden("Grant has already expired")
        db.execute("UPDATE grants SET used = 1 WHERE code = ?", (code,))
        if not setting("verify_install", True):
            db.execute(
                "UPDATE installations SET status = 'installed' WHERE uuid = ?", (installation["uuid"],)
            )
        return _show(issue_tokens(installation["uuid"]))


def _by_refresh(body: dict[str, Any], installation: sqlite3.Row) -> HttpResponse:
    with store().write():
        old = store().value(
            "SELECT installation FROM tokens WHERE refresh_token = ? AND is_main = 1",
            str(body.get("refresh_token")),
        )
        if old is None:
            raise _forbidden("Given refresh token does not exist")
        if old != installation["uuid"]:
            raise _forbidden("Token does not belong to the application")
        return _show(issue_tokens(installation["uuid"]))


def _by_assertion(request: HttpRequest, installation: sqlite3.Row) -> HttpResponse:
    """The JWT grant works only for an installation that once got a token."""
    if not setting("jwt_grant", True):
        raise Refused(403, {"detail": "Manual token refresh is not enabled for this organization"})
    kind, _, assertion = request.headers.get("Authorization", "").partition(" ")
    claims = _claims(assertion) if kind.lower() == "bearer" else None
    me = options().client_id
    if claims is None or claims.get("iss") != me or claims.get("sub") != me:
        raise Refused(401, {"detail": "Could not validate JWT"}, CHALLENGE)
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires <= time.time():
        raise Refused(401, {"detail": "JWT has expired"}, CHALLENGE)
    with store().write() as db:
        if (
            db.execute("INSERT OR IGNORE INTO used_assertions VALUES (?)", (str(claims.get("jti")),)).rowcount
            == 0
        ):
            raise Refused(401, {"detail": "JWT was used before"}, CHALLENGE)
        if not store().value(
            "SELECT 1 FROM tokens WHERE installation = ? AND is_main = 1", installation["uuid"]
        ):
            raise Refused(401, {"detail": "Installation does not have a token"}, CHALLENGE)
        return _show(issue_tokens(installation["uuid"]))


def _claims(assertion: str) -> dict[str, Any] | None:
    """Claims of an HS256 token signed with the client secret, or None."""
    try:
        head, body, signature = assertion.split(".")
        if json.loads(_unpack(head)).get("alg") != "HS256":
            return None
        right = hmac.new(options().client_secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(right, _unpack(signature)):
            return None
        claims = json.loads(_unpack(body))
    except (ValueError, AttributeError):
        return None
    return claims if isinstance(claims, dict) else None


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(401, {"detail": "Invalid request"}, CHALLENGE)
    return body


def _check_client(body: dict[str, Any]) -> None:
    if (body.get("client_id"), body.get("client_secret")) != (options().client_id, options().client_secret):
        raise Refused(401, {"detail": "Invalid Client ID / Secret pair"}, CHALLENGE)


def _show(token: sqlite3.Row) -> HttpResponse:
    body = {
        "id": str(token["id"]),
        "scopes": token["scopes"].split(),
        "application": None,
        "expiresAt": iso(token["expires"]),
        "dateCreated": iso(token["created"]),
        "state": None,
        "token": token["token"],
        "refreshToken": token["refresh_token"],
    }
    return JsonResponse(body, status=201)


def _words(old: str, new: str) -> str:
    return new if setting("sentry_release", "23.7.1") == "2026" else old


def _forbidden(words: str, status_2026: int = 401) -> Refused:
    if setting("sentry_release", "23.7.1") == "2026":
        return Refused(status_2026, {"detail": words})
    return Refused(403, {"error": words if status_2026 == 403 else "Unauthorized"})
