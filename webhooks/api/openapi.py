"""What the generated schema would not say by itself."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

ERROR = {
    "description": "Refused: `{field: [messages]}` for what was sent, `{detail: message}` for everything else.",
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": {}}}},
}


def add_errors(result: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Every operation may be refused, and always in the same form."""
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["4XX"] = ERROR
    return result


@csrf_exempt
def unknown_address(request: HttpRequest, rest: str) -> JsonResponse:
    """An address under the API that is none: programs ask, so the answer is no page."""
    return JsonResponse({"detail": "Not found."}, status=404)
