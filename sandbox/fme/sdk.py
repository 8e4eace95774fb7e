"""What FME's SDKs ask for besides: an account without flags, no streaming, telemetry taken and forgotten."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox.store import store


def split_changes(request: HttpRequest) -> HttpResponse:
    """No flags. `since=-1` moves the client to change number 1, at which it stays."""
    if not _is_known(request):
        return HttpResponse(status=401)
    since = 1 if request.GET.get("since") == "1" else -1
    flags = {"d": [], "s": since, "t": 1}
    return JsonResponse({"ff": flags, "rbs": {"d": [], "s": since, "t": 1 if since == 1 else -1}})


def auth(request: HttpRequest) -> HttpResponse:
    """Streaming is off for this account."""
    if not _is_known(request):
        return HttpResponse(status=401)
    return JsonResponse({"pushEnabled": False, "token": ""})


def memberships(request: HttpRequest, **_: str) -> HttpResponse:
    return JsonResponse({"ms": {}, "ls": {}})


@csrf_exempt
def telemetry(request: HttpRequest, **_: str) -> HttpResponse:
    """Impressions, usage, configuration: 200 and nothing else."""
    return HttpResponse(status=200 if _is_known(request) else 401)


def _is_known(request: HttpRequest) -> bool:
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(store().value("SELECT 1 FROM sdk_keys WHERE key = ?", key))
