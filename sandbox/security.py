"""Headers of the pages, and the guard that keeps other web sites away from the control calls."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.options import options

# "Accept & Install" ends at the product's own page.
POLICY = (
    f"default-src 'self'; frame-ancestors 'none'; form-action 'self' {options().public_url}; base-uri 'none'"
)
# SDKs in browsers and FME's own pages call these from anywhere.
OPEN_TO_ALL = ("/api/",)

View = Callable[[HttpRequest], HttpResponse]


def security_headers(get_response: View) -> View:
    """Middleware: a strict policy on pages; 403 for a foreign page that posts elsewhere than to `/api/`."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN_TO_ALL):
            return get_response(request)
        if _is_foreign(request):
            return JsonResponse({"error": "Calls from other web sites are refused."}, status=403)
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    return middleware


def _is_foreign(request: HttpRequest) -> bool:
    own = (
        f"{request.scheme}://{request.get_host()}"  # raises, and so answers 400, for a name that is not ours
    )
    origin = request.headers.get("Origin")
    return request.method != "GET" and origin is not None and origin != own
