"""Event times as Sentry writes them, in whole milliseconds since 1970, cut and never rounded."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal, DecimalException

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST_SECONDS = 10**11  # the year 5138: what is later is no time in seconds
_PLAIN_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]+))?")
_EXACT = Context(prec=60, rounding=ROUND_DOWN)


def milliseconds(json_text: str) -> int | None:
    """Read a JSON number of seconds or a JSON text with an ISO date; None when it is neither.

    Works on the digits as sent: 1795399566.022 as a float times 1000 would come out as …021.
    """
    if json_text.startswith('"'):
        return _from_iso(json_text.strip('"'))
    return _from_seconds(json_text)


def _from_seconds(number: str) -> int | None:
    if plain := _PLAIN_SECONDS.fullmatch(number):
        seconds, fraction = plain.group(1), plain.group(2) or ""
        return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))
    try:
        exact = Decimal(number)
        return int(_EXACT.multiply(exact, Decimal(1000))) if 0 <= exact < _MOST_SECONDS else None
    except (DecimalException, ValueError):
        return None  # exponents are read too, everything else is no number


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # Sentry: no zone means UTC
        since = (zoned - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None
    return since if since >= 0 else None
