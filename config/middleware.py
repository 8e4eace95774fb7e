"""What every request passes first: the short way for webhooks, and the client's true address."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from auditlog.middleware import AuditlogMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound
from django.urls import resolve

from integrations.errors import not_found, only_for_forms

Respond = Callable[[HttpRequest], HttpResponse]
WEBHOOKS = "/webhooks/"
STRAIGHT = (WEBHOOKS, "/healthz", "/readyz")
"""Addresses that need no session, and that answer under any Host: a balancer probes by IP address."""

SCRAPED = "/metrics"
"""The same when a token comes with it: Prometheus finds processes by IP address. Without one it is for staff."""


find = lru_cache(maxsize=1_000)(resolve)
"""A service hook's address never changes its view, and looking it up took a tenth of a request."""


class WebhooksFirst:
    """Call a webhook's view at once: no session, no cookie, no database between Sentry and the disk. Probes too."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_token = request.META.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
        is_scrape = has_token and request.path_info == SCRAPED
        if not is_scrape and not request.path_info.startswith(STRAIGHT):
            return self.respond(request)
        return call_view(request)


def call_view(request: HttpRequest) -> HttpResponse:
    """The answer of the view at the request's address; raises Resolver404."""
    match = find(request.path_info)
    answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return answer


class ClientAddress:
    """Believe `X-Forwarded-For` and `X-Forwarded-Proto` only when a proxy named in TRUSTED_PROXIES sent them."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.trusted = [ip_network(proxy) for proxy in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_trusted(request.META.get("REMOTE_ADDR", "")):
            request.META["REMOTE_ADDR"] = self.origin(request)
            if request.headers.get("X-Forwarded-Proto") == "https":
                request.META["wsgi.url_scheme"] = "https"
        return self.respond(request)

    def is_trusted(self, address: str) -> bool:
        """Whether `address` belongs to a trusted proxy; False for anything that is no address."""
        try:
            return any(ip_address(address) in network for network in self.trusted)
        except ValueError:
            return False

    def origin(self, request: HttpRequest) -> str:
        """The last hop that no trusted proxy added; what stands left of it was written by the client."""
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        foreign = (hop for hop in reversed(hops) if not self.is_trusted(hop))
        return next(foreign, request.META["REMOTE_ADDR"])


class OwnNotFound:
    """Development only: the product's page for a wrong address, where Django shows the table of all addresses.

    `make run` is how people first see the product. The answer is exchanged and no route is added that takes every
    address: an address without its last slash would no longer be sent on to the one with it.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.respond(request)
        return not_found(request) if isinstance(answer, HttpResponseNotFound) else answer


class PageForForms:
    """A page of our own where only forms are taken: Django's 405 is empty, and a login may lead there."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.respond(request)
        if not (isinstance(answer, HttpResponseNotAllowed) and request.method == "GET"):
            return answer
        page = only_for_forms(request)
        page["Allow"] = answer["Allow"]
        return page


class AuditLog(AuditlogMiddleware):  # type: ignore[misc]  # auditlog ships no types
    """Who asked, for the audit log. Its own reading of `X-Forwarded-For` believes every client, and stores anything."""

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return client_address(request) or None

    @staticmethod
    def _get_remote_port(request: HttpRequest) -> None:
        return None


def client_address(request: HttpRequest) -> str:
    """The address a login attempt came from; for django-axes, which would otherwise count the proxy."""
    return str(request.META.get("REMOTE_ADDR", ""))
