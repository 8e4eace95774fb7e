"""Sentry's cursor pagination: two `Link` entries, always both, each with `results` and `cursor`."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, JsonResponse

from sandbox.sentry.access import Refused

MAX_PER_PAGE = 100
Row = Any
Cursor = tuple[int, int, bool]


def by_id(request: HttpRequest, rows: Sequence[Row], show: Callable[[Row], Any]) -> JsonResponse:
    """Rows (newest first, each with an `id`) by the ids in the cursor, so that new rows shift nothing."""
    size, (value, offset, is_back) = per_page(request), _cursor(request)
    if is_back:
        newer = [row for row in rows if row["id"] > value]
        page = newer[-size:]
    else:
        older = [row for row in rows if row["id"] <= value] if value else list(rows)
        page = older[offset : offset + size]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (0, 0)
    has_newer = bool(page) and rows[0]["id"] > first
    following = [row for row in rows if row["id"] < last] if page else []
    after: Cursor = (following[0]["id"], 0, False) if following else (last, 1 if page else 0, False)
    return linked(
        request, [show(row) for row in page], ((first, 0, True), has_newer), (after, bool(following))
    )


def by_offset(request: HttpRequest, rows: Sequence[Row], show: Callable[[Row], Any]) -> JsonResponse:
    """Rows by page number, as Sentry's lists of projects and events do."""
    size, (_, number, _) = per_page(request), _cursor(request)
    number = max(0, number)
    page = rows[number * size : (number + 1) * size]
    before: Cursor = (size, number - 1, True)
    after: Cursor = (size, number + 1, False)
    has_more = len(rows) > (number + 1) * size
    return linked(request, [show(row) for row in page], (before, number > 0), (after, has_more))


def per_page(request: HttpRequest) -> int:
    """Page size of the query, or 400 in Sentry's words."""
    text = request.GET.get("per_page") or str(MAX_PER_PAGE)
    if not text.isdigit() or int(text) == 0:
        raise Refused(400, {"detail": "Invalid per_page parameter."})
    if int(text) > MAX_PER_PAGE:
        raise Refused(400, {"detail": f"Invalid per_page value. Cannot exceed {MAX_PER_PAGE}."})
    return int(text)


def linked(
    request: HttpRequest, body: list[Any], before: tuple[Cursor, bool], after: tuple[Cursor, bool]
) -> JsonResponse:
    """A JSON list with its `Link` header."""
    query = request.GET.copy()
    query.pop("cursor", None)
    base = f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"
    links = []
    for name, ((value, offset, is_back), has_results) in (("previous", before), ("next", after)):
        cursor = f"{value}:{offset}:{int(is_back)}"
        results = str(has_results).lower()
        links.append(f'<{base}&cursor={cursor}>; rel="{name}"; results="{results}"; cursor="{cursor}"')
    return JsonResponse(body, safe=False, headers={"Link": ", ".join(links)})


def _cursor(request: HttpRequest) -> Cursor:
    text = request.GET.get("cursor")
    if not text:
        return (0, 0, False)
    try:
        value, offset, is_back = text.split(":")
        return (int(float(value)), int(offset), bool(int(is_back)))
    except ValueError:
        raise Refused(400, {"detail": "Invalid cursor parameter."}) from None
