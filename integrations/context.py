"""What base.html knows on every page: navigation, the reader's theme and zone, and who they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from integrations.found import access_of
from integrations.roles import Access

THEME_COOKIE, ZONE_COOKIE = "theme", "zone"
THEMES = {"system": "follow system", "light": "light", "dark": "dark"}
ADMIN_PREFIX = "/admin-settings/"

# (words, route, icon); routes that are not mounted are not shown.
ADMIN = (
    ("Integrations", "integrations", "plug"),
    ("Environments and keys", "environments", "key"),
    ("Sentry installations", "installations", "shield"),
    ("Notices", "notices", "send"),
    ("Set-up checklist", "checklist", "list"),
    ("Audit log", "audit", "eye"),
)
MONITOR = (
    ("Problems", "problems", "flag"),
    ("Messages", "messages", "inbox"),
    ("Track events", "events", "bolt"),
    ("Event types", "event_types", "tag"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the left navigation."""

    words: str
    address: str
    icon: str
    is_current: bool = False


@dataclass
class Page:
    """Lazy: nothing is read before a template asks, and error pages ask for little."""

    request: HttpRequest

    @cached_property
    def theme(self) -> str:
        theme = self.request.COOKIES.get(THEME_COOKIE, "")
        return theme if theme in THEMES else "system"

    @property
    def theme_words(self) -> str:
        return THEMES[self.theme]

    @property
    def next_theme(self) -> str:
        """The theme after this one, in the order system, dark, light."""
        return {"system": "dark", "dark": "light", "light": "system"}[self.theme]

    @cached_property
    def timezone(self) -> tzinfo:
        return zone_named(self.request.COOKIES.get(ZONE_COOKIE, ""))

    @property
    def is_utc(self) -> bool:
        return self.timezone is UTC

    @property
    def zone_words(self) -> str:
        return "UTC" if self.is_utc else str(self.timezone)

    @cached_property
    def access(self) -> Access:
        return access_of(self.request)

    @property
    def role_words(self) -> str:
        """The reader's role as their colleagues call it."""
        if self.access.is_account_admin:
            return "Account admin"
        return "Project admin" if self.access.writes else "Viewer"

    @property
    def initials(self) -> str:
        return self.request.user.get_username()[:2].upper()

    @cached_property
    def is_admin(self) -> bool:
        return self.request.path.startswith(ADMIN_PREFIX) or not self.monitor

    @cached_property
    def monitor(self) -> list[Link]:
        return self._links(MONITOR)

    @cached_property
    def admin(self) -> list[Link]:
        hidden = () if self.access.is_account_admin else ("installations", "notices")
        return self._links(entry for entry in ADMIN if entry[1] not in hidden)

    @property
    def sandbox(self) -> str:
        """Where the sandbox shows what it received; nothing where there is none."""
        return settings.SANDBOX_URL if settings.SANDBOX else ""

    def _links(self, entries: Iterable[tuple[str, str, str]]) -> list[Link]:
        links = []
        for words, name, icon in entries:
            try:
                address = reverse(name)
            except NoReverseMatch:
                continue
            links.append(Link(words, address, icon, self.request.path.startswith(address)))
        return links


def page(request: HttpRequest) -> dict[str, Page]:
    """The context processor."""
    return {"page": Page(request)}


def zone_named(name: str) -> tzinfo:
    """The zone of that name, or UTC for anything else; the name comes from a cookie."""
    try:
        return ZoneInfo(name) if name and name != "UTC" else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
