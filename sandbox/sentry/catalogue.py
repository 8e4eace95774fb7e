"""Lists over REST: projects, environments, events, issues of an organization."""

import json
import sqlite3
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.dates import iso
from sandbox.sentry import bodies, occurrences
from sandbox.sentry.access import NOT_FOUND, Refused, authenticate, endpoint, find_organization, find_project
from sandbox.sentry.hooks import READ
from sandbox.sentry.paging import by_offset
from sandbox.store import setting, store

ONLY_LISTED = ("environments", "hasUserReports", "latestDeploys")
HIDDEN = {"all": (0, 1), "hidden": (1,), "visible": (0,)}
FEATURES = ("alert-filters", "data-forwarding", "minidump", "race-free-group-creation", "rate-limits")


@endpoint("projects", "GET")
def organization_projects(request: HttpRequest, organization: str) -> HttpResponse:
    caller = authenticate(request)
    owner = find_organization(caller, organization)
    caller.need("org:read")
    query = f"%{request.GET.get('query', '')}%"
    sql = "SELECT * FROM projects WHERE organization_id = ? AND (slug LIKE ? OR name LIKE ?) ORDER BY slug"
    return by_offset(request, store().rows(sql, owner["id"], query, query), _project)


@endpoint("project", "GET", "PUT", "DELETE")
def project_detail(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    caller = authenticate(request)
    row = find_project(request, caller, organization, project)
    # Nothing of a project may be changed through the stand-in.
    caller.need(*(READ if request.method == "GET" else ()))
    owner = find_organization(caller, organization)
    more = {
        "isInternal": False,
        "isPublic": False,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
        "color": "#923fbf",
        "status": "active",
        "options": {},
        "organization": {"id": str(owner["id"]), "slug": owner["slug"], "name": owner["name"]},
    }
    listed = {name: value for name, value in _project(row).items() if name not in ONLY_LISTED}
    return JsonResponse(listed | more)


@endpoint("project_environments", "GET")
def project_environments(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    caller = authenticate(request)
    row = find_project(request, caller, organization, project)
    caller.need(*READ)
    visibility = request.GET.get("visibility", "visible")
    if visibility not in HIDDEN:
        words = "Invalid value for 'visibility', valid values are: ['all', 'hidden', 'visible']"
        raise Refused(400, {"detail": words})
    found = sorted(_environments(row["id"], HIDDEN[visibility]), key=lambda one: str(one["name"]))
    return JsonResponse([_environment(one) for one in found], safe=False)


@endpoint("environments", "GET")
def organization_environments(request: HttpRequest, organization: str) -> HttpResponse:
    caller = authenticate(request)
    owner = find_organization(caller, organization)
    caller.need("org:read")
    sql = (
        "SELECT min(e.id) AS id, e.name FROM environments e JOIN projects p ON p.id = e.project_id"
        " WHERE p.organization_id = ? AND e.hidden = 0 AND e.name != '' GROUP BY e.name ORDER BY e.name"
    )
    return JsonResponse(
        [{"id": str(one["id"]), "name": one["name"]} for one in store().rows(sql, owner["id"])], safe=False
    )


@endpoint("events", "GET")
def project_events(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    caller = authenticate(request)
    row = find_project(request, caller, organization, project)
    caller.need(*READ)
    rows = store().rows("SELECT * FROM events WHERE project_id = ? ORDER BY id DESC LIMIT 10000", row["id"])
    is_full = request.GET.get("full") in ("1", "true")
    return by_offset(request, rows, _whole if is_full else _listed)


@endpoint("event", "GET")
def project_event(request: HttpRequest, organization: str, project: str, event: str) -> HttpResponse:
    caller = authenticate(request)
    row = find_project(request, caller, organization, project)
    caller.need(*READ)
    sql = "SELECT id FROM events WHERE project_id = ? AND event_id = ?"
    number = store().value(sql, row["id"], event.replace("-", ""))
    if number is None:
        raise Refused(404, NOT_FOUND)
    found = occurrences.load(number)
    release = dict(found.data["tags"]).get("release")
    more = {
        "release": {"version": release} if release else None,
        "nextEventID": None,
        "previousEventID": None,
    }
    return JsonResponse(bodies.event(found) | more)


@endpoint("issues", "GET")
def organization_issues(request: HttpRequest, organization: str) -> HttpResponse:
    caller = authenticate(request)
    owner = find_organization(caller, organization)
    caller.need("event:read")
    rows = store().rows(
        "SELECT max(e.id) AS event FROM events e JOIN projects p ON p.id = e.project_id"
        " WHERE p.organization_id = ? GROUP BY e.issue_id ORDER BY event DESC",
        owner["id"],
    )
    return by_offset(request, rows, lambda row: bodies.group(occurrences.load(row["event"])))


def _environments(project_id: int, hidden: tuple[int, ...] = (0,)) -> list[sqlite3.Row]:
    """As they first appeared. The empty name, of events without an environment, is never listed."""
    sql = "SELECT * FROM environments WHERE project_id = ? AND name != '' ORDER BY id"
    return [row for row in store().rows(sql, project_id) if row["hidden"] in hidden]


def _environment(row: sqlite3.Row) -> dict[str, Any]:
    return {"id": str(row["id"]), "name": row["name"], "isHidden": bool(row["hidden"])}


def _project(row: sqlite3.Row) -> dict[str, Any]:
    first = store().value("SELECT min(received) FROM events WHERE project_id = ?", row["id"])
    last = store().value("SELECT data FROM events WHERE project_id = ? ORDER BY id DESC", row["id"])
    release = json.loads(last).get("release") if last else None
    team = {"id": "2", "slug": "web", "name": "Web"}
    return {
        "team": team,
        "teams": [team],
        "id": str(row["id"]),
        "name": row["name"],
        "slug": row["slug"],
        "isBookmarked": False,
        "isMember": False,
        "access": [],
        "hasAccess": True,
        "dateCreated": iso(row["created"]),
        "environments": [environment["name"] for environment in _environments(row["id"])],
        "eventProcessing": {"symbolicationDegraded": False},
        "features": [*FEATURES, *(["servicehooks"] if setting("service_hooks", True) else []), "releases"],
        "firstEvent": iso(first) if first else None,
        "firstTransactionEvent": False,
        "hasSessions": False,
        "hasProfiles": False,
        "hasReplays": False,
        "hasMonitors": False,
        "hasMinifiedStackTrace": False,
        "platform": row["platform"],
        "platforms": [],
        "latestRelease": {"version": release} if release else None,
        "hasUserReports": False,
        "latestDeploys": None,
    }


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    """The short form of a list: no contexts, the environment only as a tag."""
    data = json.loads(row["data"])
    whole = bodies.event(occurrences.load(row["id"]))
    names = (
        "id eventID groupID projectID message title location culprit user tags platform dateCreated crashFile"
    )
    return {"event.type": data["type"]} | {name: whole[name] for name in [*names.split(), "metadata"]}


def _whole(row: sqlite3.Row) -> dict[str, Any]:
    return bodies.event(occurrences.load(row["id"]))
