"""JSON bodies of the REST API, bounded like those of the webhooks."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser

ROOM_FOR_A_CONFIGURATION = 1024 * 1024
"""A preview sends a whole webhook body with the configuration around it."""


class TooLarge(APIException):
    """The body is larger than anything the API takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class BoundedJSONParser(BaseParser):
    """JSON that is neither larger nor nested deeper than we can hold.

    It has a JSONParser and is none: what is one, DRF 3.18 hands `request.body`, which ends at 2.5 MB with a page.
    """

    media_type = JSONParser.media_type

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        meta = (parser_context or {})["request"].META
        if int(meta.get("CONTENT_LENGTH") or 0) > settings.WEBHOOK_MAX_BYTES + ROOM_FOR_A_CONFIGURATION:
            raise TooLarge
        try:
            data: dict[str, Any] = JSONParser().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
        return data
