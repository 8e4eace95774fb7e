"""Sentry's REST API as far as this app needs it: an installation's tokens, a project's service hooks, and names.

Facts about the answers were taken from a running Sentry 23.7.1 and the source of 2026. No address found in an
answer is ever requested; of a `Link` header only the cursor is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import jwt
from django.conf import settings
from django.utils import timezone

from integrations.mapping.environments import check_environment_name
from integrations.payloads.lenient import JsonObject, JsonValue
from integrations.peers import Answer, Peer, PeerError
from integrations.validation import LONGEST_SLUG, is_slug, whole_number

EVENTS = ("event.created",)
"""What a service hook asks for: every event of an issue. Sentry knows `event.alert` besides."""

TOKEN_LIFE = timedelta(hours=8)
"""How long a token lives when an answer does not say."""

JWT_LIFE = timedelta(minutes=1)
JWT_GRANT = "urn:sentry:params:oauth:grant-type:jwt-bearer"

PAGE = 100
PAGE_OF_PROJECTS = 50
"""Sentry allows 100, but each project comes with the names of all its environments: a page has to stay readable."""

MAX_PAGES = 50
"""A project with more than 5,000 hooks is a mistake; a cursor that never ends is one of the peer."""

_NO_ENVIRONMENT = ("no environment", "(no environment)")
"""How Sentry's pages show the lack of one, so that is what choosing it would mean. A program can use it as a name all
the same, and Sentry lists that; it can be typed."""

_NEXT = re.compile(r'rel="next";\s*results="true";\s*cursor="([^"]{1,200})"')


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a grant brings: both tokens replace both old ones, which die at once."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RemoteHook:
    """A service hook as Sentry has it. The secret comes with every answer, not only with the first."""

    id: str
    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...]
    is_active: bool

    @property
    def is_as_wanted(self) -> bool:
        return self.is_active and self.events == EVENTS


@dataclass(frozen=True, slots=True)
class RemoteEnvironment:
    """An environment of a project. Sentry numbers them as they first appear."""

    number: int
    name: str


def exchange(installation: UUID, code: str) -> TokenPair:
    """Trade the grant code for the first tokens: works once, within ten minutes. Raises PeerError."""
    return _grant(installation, {"grant_type": "authorization_code", "code": code})


def refresh(installation: UUID, refresh_token: str) -> TokenPair:
    """Trade the refresh token for a new pair; both old tokens die at once. Raises PeerError."""
    return _grant(installation, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def jwt_grant(installation: UUID) -> TokenPair:
    """Ask for a new pair with a signed statement only: the way back when the refresh token is lost.

    Refused when no code was ever exchanged, and by servers that do not know it. Raises PeerError.
    """
    now = timezone.now()
    client_id, secret = settings.SENTRY_CLIENT_ID, _client_secret()
    claims = {"iss": client_id, "sub": client_id, "iat": now, "exp": now + JWT_LIFE, "jti": uuid4().hex}
    statement = jwt.encode(claims, secret, algorithm="HS256")
    answer = _sentry().ask(
        "POST",
        f"{_installation_path(installation)}authorizations/",
        headers=_bearer(statement),
        body={"grant_type": JWT_GRANT},
        secrets=(statement, secret),
    )
    return _token_pair(answer)


def verify_install(installation: UUID, token: str) -> str:
    """Tell Sentry that the installation is complete; returns the organization's slug. Raises PeerError."""
    answer = _sentry().ask(
        "PUT",
        _installation_path(installation),
        headers=_bearer(token),
        body={"status": "installed"},
        secrets=(token,),
    )
    slug = _fields(_fields(answer.expect(200).json).get("organization")).get("slug")
    return slug if isinstance(slug, str) and len(slug) <= 100 else ""


@dataclass(frozen=True, slots=True)
class SentryClient:
    """One project's service hooks, with an installation's token. Every method raises PeerError."""

    organization: str
    project_slug: str
    token: str = field(repr=False)

    def list_hooks(self) -> list[RemoteHook]:
        """Every service hook of the project that this app may see, all pages."""
        return list(self._pages())

    def create_hook(self, url: str) -> RemoteHook:
        """Make a hook. Sentry makes a second one for an address that has one: look first."""
        answer = self._ask("POST", self._hooks_path, {"url": url, "events": list(EVENTS)})
        return _hook(answer.expect(201, 200).json, answer)

    def update_hook(self, hook_id: str, url: str) -> RemoteHook:
        """Set address, events and status of a hook to what they have to be."""
        wanted: JsonObject = {"url": url, "events": list(EVENTS), "isActive": True}
        answer = self._ask("PUT", self._hook_path(hook_id), wanted)
        return _hook(answer.expect(200).json, answer)

    def delete_hook(self, hook_id: str) -> None:
        """Remove a hook; one that is gone already is fine. Needs `project:admin`."""
        self._ask("DELETE", self._hook_path(hook_id)).expect(204, 200, 202, 404)

    def page_of_projects(self, cursor: str = "") -> tuple[dict[str, str], str]:
        """Slugs and names of the organization's projects, a page by slug, and the cursor of the next ("" at the end).

        Needs `org:read`; with the project scopes alone Sentry answers 403, for an organization in which the app is
        not installed 404 (a running Sentry 23.7.1). A page above 100 is refused with 400.
        """
        path = f"/api/0/organizations/{quote(self.organization, safe='')}/projects/"
        answer = self._ask("GET", path, params=_page(PAGE_OF_PROJECTS, cursor))
        projects = map(_project, _items(answer, "list of projects"))
        return dict(filter(None, projects)), _cursor_after(answer)

    def list_environments(self) -> list[RemoteEnvironment]:
        """The project's environments, without hidden ones and the empty name, which Sentry itself leaves out.

        Needs `project:read`, `write` or `admin`; with `org:read` alone Sentry answers 403, for an unknown slug 404,
        for a former one 302 with the new one. One answer whatever `per_page` says (a running Sentry 23.7.1).
        """
        answer = self._ask("GET", f"{self._project_path}environments/")
        return list(filter(None, map(_environment, _items(answer, "list of environments"))))

    def _pages(self) -> Iterator[RemoteHook]:
        cursor = ""
        for _ in range(MAX_PAGES):
            answer = self._ask("GET", self._hooks_path, params=_page(PAGE, cursor))
            yield from (_hook(item, answer) for item in _items(answer, "list of hooks"))
            if not (cursor := _cursor_after(answer)):
                return
        raise PeerError(f"Sentry lists service hooks without end ({MAX_PAGES} pages read).", permanent=True)

    def _ask(
        self, method: str, path: str, body: JsonValue = None, *, params: Mapping[str, str | int] | None = None
    ) -> Answer:
        return _sentry().ask(
            method, path, headers=_bearer(self.token), params=params, body=body, secrets=(self.token,)
        )

    @property
    def _project_path(self) -> str:
        organization, project = quote(self.organization, safe=""), quote(self.project_slug, safe="")
        return f"/api/0/projects/{organization}/{project}/"

    @property
    def _hooks_path(self) -> str:
        return f"{self._project_path}hooks/"

    def _hook_path(self, hook_id: str) -> str:
        return f"{self._hooks_path}{quote(hook_id, safe='')}/"


def _sentry() -> Peer:
    return Peer("Sentry", settings.SENTRY_BASE_URL)


def _installation_path(installation: UUID) -> str:
    return f"/api/0/sentry-app-installations/{installation}/"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _client_secret() -> str:
    """The secret that is sent: the first. While secrets rotate, the others still verify webhooks."""
    if not settings.SENTRY_CLIENT_ID or not settings.SENTRY_CLIENT_SECRETS:
        raise PeerError(
            "The Sentry app's credentials are missing: set SENTRY_CLIENT_ID and SENTRY_CLIENT_SECRET to "
            "those of the app in Sentry (Settings → Developer Settings) and restart."
        )
    return str(settings.SENTRY_CLIENT_SECRETS[0])


def _grant(installation: UUID, grant: dict[str, str]) -> TokenPair:
    secret = _client_secret()
    body: JsonObject = {**grant, "client_id": settings.SENTRY_CLIENT_ID, "client_secret": secret}
    secrets = (secret, *(value for name, value in grant.items() if name != "grant_type"))
    path = f"{_installation_path(installation)}authorizations/"
    return _token_pair(_sentry().ask("POST", path, body=body, secrets=secrets))


def _token_pair(answer: Answer) -> TokenPair:
    body = answer.expect(201, 200).json
    match body:
        case {"token": str() as token, "refreshToken": str() as refresh_token} if token:
            return TokenPair(token, refresh_token, _expiry(_fields(body).get("expiresAt")))
    raise _nonsense(answer, "pair of tokens")


def _expiry(value: JsonValue) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else timezone.now() + TOKEN_LIFE
    except ValueError:
        moment = timezone.now() + TOKEN_LIFE
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _hook(body: JsonValue, answer: Answer) -> RemoteHook:
    match body:
        case {"id": str() as hook_id, "url": str() as url, "secret": str() as secret}:
            events = _fields(body).get("events")
            names = (
                sorted(name for name in events if isinstance(name, str)) if isinstance(events, list) else ()
            )
            is_active = _fields(body).get("status") == "active"
            return RemoteHook(hook_id, url, secret, tuple(names), is_active=is_active)
    raise _nonsense(answer, "service hook")


def _project(body: JsonValue) -> tuple[str, str] | None:
    """Slug and name, if the slug is one that the form would take."""
    match body:
        case {"slug": str() as slug} if is_slug(slug):
            name = _fields(body).get("name")
            return slug, _one_line(name) if isinstance(name, str) else ""
    return None


def _environment(body: JsonValue) -> RemoteEnvironment | None:
    """One that the form would take; not a hidden one, nor the one that stands for none."""
    match body:
        case {"name": str() as name} if name.isprintable() and not check_environment_name(name):
            if _fields(body).get("isHidden") is True or name.casefold() in _NO_ENVIRONMENT:
                return None
            number = _fields(body).get("id")
            return RemoteEnvironment(whole_number(number) or 0 if isinstance(number, str) else 0, name)
    return None


def _one_line(name: str) -> str:
    return "".join(character if character.isprintable() else " " for character in name[:LONGEST_SLUG]).strip()


def _page(size: int, cursor: str) -> dict[str, str | int]:
    return {"per_page": size} | ({"cursor": cursor} if cursor else {})


def _items(answer: Answer, what: str) -> list[JsonValue]:
    body = answer.expect(200).json
    if not isinstance(body, list):
        raise _nonsense(answer, what)
    return body


def _cursor_after(answer: Answer) -> str:
    """The cursor of the next page; empty when this was the last."""
    following = _NEXT.search(answer.headers.get("Link", ""))
    return following.group(1) if following else ""


def _fields(body: JsonValue) -> JsonObject:
    return body if isinstance(body, dict) else {}


def _nonsense(answer: Answer, wanted: str) -> PeerError:
    """An answer of good status and wrong form: a proxy's page, or another server than Sentry."""
    return PeerError(
        f"Sentry's answer ({answer.status}) holds no {wanted}. Check SENTRY_BASE_URL, "
        f"{settings.SENTRY_BASE_URL}.",
        status=answer.status,
        ambiguous=True,
    )
