"""The sandbox's page."""

from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Sandbox", content_type="text/plain")


throw = fail = clear = install = uninstall = home
