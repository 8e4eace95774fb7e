"""Harness FME's HTTP interfaces: the Admin API's catalogue and keys, and the intake of events.

Facts were taken from the vendor's documentation and from what its own clients send.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from django.conf import settings

from integrations.payloads.lenient import JsonObject, JsonValue
from integrations.peers import Answer, Peer, PeerError
from integrations.validation import is_sdk_key

Params: TypeAlias = dict[str, str | int]

PATIENCE = 5
"""How often one request is repeated after a pause that FME asked for."""

PAGE = 200
"""Projects a page; the API takes up to 1,000."""

NO_ADMIN_KEY = (
    "FME_ADMIN_API_KEY is not set, so nothing was asked. Create an Admin API key in Harness FME "
    "(Admin settings → API keys), set it and restart."
)


@dataclass(frozen=True, slots=True)
class Named:
    """A project or a traffic type as FME lists it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoteEnvironment:
    """An environment as FME lists it, with the names (not the secrets) of its keys."""

    id: str
    name: str
    is_production: bool
    keys: tuple[Named, ...] = ()


def post_events(sdk_key: str, body: bytes) -> Answer:
    """Send one batch, a JSON array, for the environment that `sdk_key` belongs to; any status is an answer.

    Raises PeerError only without an answer: `ambiguous` when FME may have read the batch.
    """
    peer = Peer("Harness FME", settings.FME_EVENTS_URL)
    headers = {"Authorization": f"Bearer {sdk_key}"}
    return peer.ask("POST", "/events/bulk", headers=headers, body=body, secrets=(sdk_key,))


@dataclass(frozen=True, slots=True)
class FmeClient:
    """The Admin API. Every method raises PeerError, and without an admin key nothing is asked at all.

    `before` is called ahead of every request, and may raise. `pause` waits as many seconds as FME asks for on a 429,
    or answers False when that is too long; then the 429 is raised like every other refusal.
    """

    before: Callable[[], None] = lambda: None
    pause: Callable[[float], bool] = lambda seconds: False

    def projects(self) -> Iterator[Named]:
        """Every project ("workspace"), page by page until `totalCount` or an empty page."""
        offset = 0
        while True:
            body = self._ask("GET", "/workspaces", params={"limit": PAGE, "offset": offset}).json
            objects, total = _page(body)
            yield from (_named(item) for item in objects)
            offset += len(objects)
            if not objects or offset >= total:
                return

    def environments(self, project_id: str) -> list[RemoteEnvironment]:
        """The environments of a project; the API does not page them."""
        body = self._ask("GET", f"/environments/ws/{quote(project_id, safe='')}").json
        return [_environment(item) for item in _list(body)]

    def traffic_types(self, project_id: str) -> list[Named]:
        """The traffic types of a project; the API does not page them."""
        body = self._ask("GET", f"/trafficTypes/ws/{quote(project_id, safe='')}").json
        return [_named(item) for item in _list(body)]

    def create_sdk_key(self, name: str, *, project_id: str, environment_id: str) -> str:
        """Make a server-side key for one environment; FME shows it in this answer and never again."""
        wanted: JsonObject = {
            "name": name,
            "apiKeyType": "server_side",
            "environments": [{"type": "environment", "id": environment_id}],
            "workspace": {"type": "workspace", "id": project_id},
        }
        match self._ask("POST", "/apiKeys", body=wanted).json:
            case {"key": str() as key} if is_sdk_key(key):
                return key
        raise PeerError(
            "Harness FME created a key but its answer holds none that a request can carry.", ambiguous=True
        )

    def delete_sdk_key(self, key_id: str) -> None:
        """Remove a key that nobody can read any more; one that is gone already is fine."""
        self._ask("DELETE", f"/apiKeys/{quote(key_id, safe='')}", fine=(200, 202, 204, 404))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: JsonValue = None,
        fine: tuple[int, ...] = (200, 201),
    ) -> Answer:
        if not settings.FME_ADMIN_API_KEY:
            raise PeerError(NO_ADMIN_KEY)
        answer = self._once(method, path, params, body)
        for _ in range(PATIENCE):
            wait = answer.retry_after_seconds
            if answer.status != 429 or wait is None or not self.pause(wait):
                break
            answer = self._once(method, path, params, body)
        return answer.expect(*fine)

    def _once(self, method: str, path: str, params: Params | None, body: JsonValue) -> Answer:
        self.before()
        key = settings.FME_ADMIN_API_KEY
        return Peer("Harness FME", settings.FME_API_URL).ask(
            method, path, headers=_credentials(key), params=params, body=body, secrets=(key,)
        )


def _credentials(key: str) -> dict[str, str]:
    """FME's own Admin API keys are bearer tokens; tokens of the Harness platform go into `x-api-key`."""
    return {"x-api-key": key} if settings.FME_AUTH == "x-api-key" else {"Authorization": f"Bearer {key}"}


def _page(body: JsonValue) -> tuple[list[JsonValue], int]:
    match body:
        case {"objects": list() as objects, "totalCount": int() as total}:
            return objects, total
        case {"objects": list() as objects}:
            return objects, sys.maxsize  # no total: read on until a page is empty
    raise _nonsense("page of projects")


def _list(body: JsonValue) -> list[JsonValue]:
    """A plain list, or one wrapped in `objects` as the paged lists are."""
    match body:
        case list():
            return body
        case {"objects": list() as objects}:
            return objects
    raise _nonsense("list")


def _named(body: JsonValue) -> Named:
    match body:
        case {"id": str() as fme_id, "name": str() as name} if fme_id:
            return Named(fme_id, name)
    raise _nonsense("object with id and name")


def _environment(body: JsonValue) -> RemoteEnvironment:
    named = _named(body)
    rest = body if isinstance(body, dict) else {}
    tokens = rest.get("apiTokens")
    keys = tuple(_named(token) for token in tokens if _is_named(token)) if isinstance(tokens, list) else ()
    return RemoteEnvironment(named.id, named.name, rest.get("production") is True, keys)


def _is_named(body: JsonValue) -> bool:
    return isinstance(body, dict) and isinstance(body.get("id"), str) and isinstance(body.get("name"), str)


def _nonsense(wanted: str) -> PeerError:
    return PeerError(f"Harness FME's answer holds no {wanted}. Check FME_API_URL, {settings.FME_API_URL}.")
