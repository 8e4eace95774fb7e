"""PURE: what FME takes for a valid track event. Everything else it drops without telling the sender.

Rules of the vendor's SDKs and of its events page; where both speak, the stricter one.
"""

import re
import time
from collections.abc import Mapping

EVENT_TYPE = re.compile(r"[a-zA-Z0-9][-_.:a-zA-Z0-9]{0,79}", re.ASCII)
MAX_KEY = 250
MAX_PROPERTIES = 300
MAX_PROPERTY = 256
MAX_PROPERTIES_BYTES = 32_768
BASE_BYTES = 1_024  # the SDKs count this for the rest of the event
FIRST_MILLISECOND = 100_000_000_000  # 1973: anything smaller is seconds


def reason_to_drop(event: object, environment: str, traffic_types: frozenset[str]) -> str:
    """Why FME would drop the event, or "" for a valid one. `environment`: name of the key's one."""
    if not isinstance(event, Mapping):
        return "the event is no object"
    return (
        _event_type(event.get("eventTypeId"))
        or _key(event.get("key"))
        or _traffic_type(event.get("trafficTypeName"), traffic_types)
        or _timestamp(event.get("timestamp"))
        or _value(event.get("value"))
        or _environment(event.get("environmentName"), environment)
        or _properties(event.get("properties"))
    )


def _event_type(name: object) -> str:
    if not isinstance(name, str):
        return "eventTypeId is no text"
    return "" if EVENT_TYPE.fullmatch(name) else f"eventTypeId {name[:100]!r} breaks the naming rule"


def _key(key: object) -> str:
    if not isinstance(key, str):
        return "key is no text"
    if not key.strip():
        return "key is blank"
    if not key.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in key):
        return "key holds half a character"
    return "" if len(key) <= MAX_KEY else f"key is longer than {MAX_KEY} characters"


def _traffic_type(name: object, known: frozenset[str]) -> str:
    if not isinstance(name, str):
        return "trafficTypeName is no text"
    if name != name.lower():
        return f"trafficTypeName {name!r} is not in lower case"
    return "" if name in known else f"traffic type {name!r} does not exist in the project"


def _timestamp(moment: object) -> str:
    if not isinstance(moment, int) or isinstance(moment, bool):
        return "timestamp is no whole number"
    if moment < FIRST_MILLISECOND or moment > 10 * time.time() * 1000:
        return "timestamp is not in milliseconds since 1970"
    return ""


def _value(value: object) -> str:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return ""
    return "value is no number"


def _environment(name: object, environment: str) -> str:
    if name is None or name == environment:
        return ""
    return f"environmentName {name!r} is not the environment of the SDK key ({environment!r})"


def _properties(properties: object) -> str:
    if properties is None:
        return ""
    if not isinstance(properties, Mapping):
        return "properties is no object"
    if len(properties) > MAX_PROPERTIES:
        return f"more than {MAX_PROPERTIES} properties"
    size = BASE_BYTES
    for name, value in properties.items():
        if value is not None and not isinstance(value, str | int | float):
            return f"property {name!r} is neither text, number nor boolean"
        if len(name) > MAX_PROPERTY or (isinstance(value, str) and len(value) > MAX_PROPERTY):
            return f"property {name[:100]!r} is longer than {MAX_PROPERTY} characters"
        size += len(name) + (len(value) if isinstance(value, str) else 0)
    return "" if size <= MAX_PROPERTIES_BYTES else f"properties are larger than {MAX_PROPERTIES_BYTES} bytes"
