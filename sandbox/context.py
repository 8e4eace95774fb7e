"""What every page of the sandbox knows."""

from django.http import HttpRequest

from sandbox.options import options


def addresses(request: HttpRequest) -> dict[str, str]:
    """The product's address and the page's own path, for navigation."""
    return {"product": options().public_url, "here": request.path}
