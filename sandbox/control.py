"""Control calls for tests: what people, SDKs and the passage of time do; `docs/sandbox.md` lists them."""

import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import actions, adopting, failures, reports
from sandbox.actions import Impossible
from sandbox.failures import Failure
from sandbox.store import set_setting

Json = dict[str, Any]
SETTINGS = {
    "service_hooks": "bool: the plan has service hooks (default true)",
    "app_events": 'list: what the app subscribes to, e.g. ["error"] (default none)',
    "verify_install": "bool: an installation is pending until verified (default true)",
    "jwt_grant": "bool: the JWT grant is available (default true)",
    "sentry_release": 'text: whose wording and shapes, "23.7.1" (default) or "2026"',
    "sentry_rate_limit": '{"limit": n, "window": seconds} or null (default)',
    "retry_seconds": "number: wait before a webhook is tried again (default 300)",
    "sender_paused": "bool: no webhook leaves (default false)",
    "fme_rate_limit": '{"limit": n, "window": seconds} or null (default)',
    "fme_strict": "bool: a batch with an invalid event is refused whole with 400 (default false)",
    "fme_max_events": "number or null: more events in a batch get 413",
    "fme_max_bytes": "number or null: more bytes in a batch get 413",
}


def call(
    *methods: str,
) -> Callable[[Callable[[HttpRequest, Json], Any]], Callable[[HttpRequest], JsonResponse]]:
    """A control call: its body or query as one dict; mistakes answer 400 with `error`."""

    def decorate(view: Callable[[HttpRequest, Json], Any]) -> Callable[[HttpRequest], JsonResponse]:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest) -> JsonResponse:
            if request.method not in methods:
                return JsonResponse({"error": f"use {' or '.join(methods)}"}, status=405)
            try:
                given = json.loads(request.body) if request.body else {}
                body = view(request, {**request.GET.dict(), **given})
            except (Impossible, ValueError, TypeError, KeyError) as reason:
                return JsonResponse({"error": f"{type(reason).__name__}: {reason}"}, status=400)
            return JsonResponse(body, safe=False)

        return wrapped

    return decorate


@call("GET")
def state(request: HttpRequest, given: Json) -> Json:
    """Everything there is, credentials included."""
    return reports.state()


@call("POST")
def reset(request: HttpRequest, given: Json) -> Json:
    """Everything anew. `announce`: tell the product of the seeded installation (default true)."""
    actions.reset(announce=given.get("announce", True))
    return reports.state()


@call("GET", "DELETE")
def received(request: HttpRequest, given: Json) -> Json:
    """Events at FME, newest first, with `count` of all that match; DELETE forgets them."""
    if request.method == "DELETE":
        return {"forgotten": actions.forget_received()}
    return reports.received(given)


@call("GET")
def requests(request: HttpRequest, given: Json) -> list[Json]:
    """Calls of FME's events addresses, newest first."""
    return reports.requests(given)


@call("GET")
def deliveries(request: HttpRequest, given: Json) -> list[Json]:
    """Webhooks of Sentry, newest first; `bodies=1` with bodies and headers."""
    return reports.deliveries(given)


@call("POST")
def throw(request: HttpRequest, given: Json) -> Json:
    """An exception from the SDK to the webhook; waits for the deliveries (`wait` seconds, default 10)."""
    event_id = actions.throw(given)
    for _ in range(int(given.get("times", 1)) - 1):
        actions.throw(given)
    return reports.thrown(event_id, wait=float(given.get("wait", 10)))


@call("POST")
def again(request: HttpRequest, given: Json) -> Json:
    """Deliver a stored event once more."""
    return {"deliveries": actions.deliver_again(given["event_id"])}


@call("GET")
def trace(request: HttpRequest, given: Json) -> Json:
    """Deliveries of one event so far."""
    return reports.thrown(given["event_id"], wait=float(given.get("wait", 0)))


@call("POST")
def install(request: HttpRequest, given: Json) -> Json:
    """Accept & Install: an installation, its webhook (unless `deliver` is false), the browser's redirect."""
    return actions.install(given.get("organization", ""), deliver=given.get("deliver", True))


@call("POST")
def uninstall(request: HttpRequest, given: Json) -> Json:
    """Remove an installation (default: the newest)."""
    return {"uuid": actions.uninstall(given.get("uuid", ""), deliver=given.get("deliver", True))}


@call("POST")
def expire(request: HttpRequest, given: Json) -> Json:
    """`what`: token, code, or both; of `uuid` or the newest installation."""
    return {"expired": actions.expire(given.get("uuid", ""), given.get("what", "token"))}


@call("POST")
def token(request: HttpRequest, given: Json) -> Json:
    """Another token of the installation: `scopes`, `expires_in` seconds."""
    return actions.make_token(
        given.get("uuid", ""), given.get("scopes"), float(given.get("expires_in", 3600))
    )


@call("POST")
def revoke(request: HttpRequest, given: Json) -> Json:
    """All tokens of the installation die; the refresh token as well."""
    return {"revoked": actions.revoke(given.get("uuid", ""))}


@call("POST")
def rename(request: HttpRequest, given: Json) -> Json:
    """A project's slug changes; the old one redirects."""
    actions.rename_project(given["project"], given["slug"])
    return reports.state()


@call("POST")
def sentry(request: HttpRequest, given: Json) -> Json:
    """`organization`, `project` or `environment` to add, each with its fields; `remove_project`."""
    actions.change_sentry(given)
    return reports.state()


@call("POST")
def hook(request: HttpRequest, given: Json) -> Json:
    """A hook somebody else made (`project`, `url`, `events`), or `delete` one by its id."""
    return actions.change_hooks(given)


@call("POST")
def catalogue(request: HttpRequest, given: Json) -> Json:
    """FME changes: `add` / `rename` / `remove` with `kind` workspace, environment, traffic_type."""
    return {"id": actions.change_catalogue(given)}


@call("POST")
def adopt(request: HttpRequest, given: Json) -> Json:
    """What the product has already: `installations`, `hooks`, `workspaces` with their ids and secrets."""
    adopting.adopt(given)
    return reports.state()


@call("POST")
def settings(request: HttpRequest, given: Json) -> Json:
    """Switches by name; null is a value."""
    if unknown := set(given) - set(SETTINGS):
        raise Impossible(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SETTINGS)}")
    for name, value in given.items():
        set_setting(name, value)
    return reports.settings()


@call("GET", "POST", "DELETE")
def failing(request: HttpRequest, given: Json) -> Json:
    """Failure switches: list, set one (fields of `Failure`), clear (`id`, `peer`, or all)."""
    if request.method == "DELETE":
        return {"cleared": failures.clear_failures(given.get("peer", ""), int(given.get("id", 0)))}
    if request.method == "POST":
        return {"id": failures.set_failure(Failure(**given))}
    return {"failures": failures.list_failures(), "kinds": failures.KINDS, "peers": failures.PEERS}


@call("GET")
def health(request: HttpRequest, given: Json) -> Json:
    return {"now": time.time()}
