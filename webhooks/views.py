"""The two webhook addresses: bounded body, then `accept`; nothing else happens between Sentry and the disk."""

import json
import logging
from functools import cache
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from webhooks import refusals
from webhooks.accept import accept
from webhooks.counters import count
from webhooks.keeper import ensure_keeper
from webhooks.outcome import Outcome
from webhooks.spool import RawRequest
from webhooks.totals import REQUESTS

logger = logging.getLogger(__name__)


class BodyTooLarge(Exception):
    """The body is larger than WEBHOOK_MAX_BYTES."""


class BodyCutShort(Exception):
    """The sender hung up before the whole body had arrived."""


@csrf_exempt
def service_hook(request: HttpRequest, address: UUID) -> HttpResponse:
    """A project's service hook, signed with the hook's own secret."""
    return respond(request, "HTTP_X_SERVICEHOOK_SIGNATURE", address)


@csrf_exempt
def app_webhook(request: HttpRequest) -> HttpResponse:
    """The Sentry App's webhook, signed with the client secret."""
    return respond(request, "HTTP_SENTRY_HOOK_SIGNATURE", None)


def respond(request: HttpRequest, signature_header: str, address: UUID | None) -> HttpResponse:
    """Read the body, hand it over, answer in Sentry's terms; one log line with the reason for every refusal.

    Headers are read from META: `request.headers` makes a map of all of them first, for each request.
    """
    if request.method != "POST":
        return answer(request, Outcome.NOT_POST, address)
    ensure_keeper()
    try:
        body = read_body(request)
    except BodyTooLarge:
        return answer(request, Outcome.TOO_LARGE, address)
    except BodyCutShort:
        return answer(request, Outcome.CUT_SHORT, address)
    signature = request.META.get(signature_header, "")
    resource = request.META.get("HTTP_SENTRY_HOOK_RESOURCE", "")
    return answer(request, accept(RawRequest(address, signature, body, resource)), address)


def read_body(request: HttpRequest) -> bytes:
    """The raw body, never more than one byte over the limit; raises BodyTooLarge, BodyCutShort.

    Read from the server's stream: Django's `request.body` believes a missing Content-Length to mean "empty", and a
    chunked body has none.
    """
    limit = settings.WEBHOOK_MAX_BYTES
    declared = request.META.get("CONTENT_LENGTH") or ""
    size = int(declared) if declared.isdecimal() else limit + 1
    if declared and size > limit:
        raise BodyTooLarge
    try:
        body: bytes = request.META["wsgi.input"].read(size)
    except OSError as error:
        raise BodyCutShort from error
    if len(body) > limit:
        raise BodyTooLarge
    if declared and len(body) < size:
        raise BodyCutShort
    return body


def answer(request: HttpRequest, outcome: Outcome, address: UUID | None) -> HttpResponse:
    """The HTTP answer to `outcome`, counted, and logged when it is a refusal."""
    count(REQUESTS, outcome.label)
    if outcome.status >= 400:
        refusals.note(address, outcome)
        logger.warning(
            "Webhook refused: %s", outcome.reason, extra={"status": outcome.status, "path": request.path}
        )
    content = words(outcome)
    length = str(len(content))  # without it the server sends the answer in chunks
    headers = {"Content-Type": "application/json", "Content-Length": length}
    response = HttpResponse(content, status=outcome.status, headers=headers)
    if outcome is Outcome.NOT_POST:
        response["Allow"] = "POST"
    return response


@cache
def words(outcome: Outcome) -> bytes:
    """The body of the answer."""
    return json.dumps({"detail": outcome.reason}).encode()
