"""Track events as Harness FME takes them at `/events/bulk`, as dicts and as ready JSON text."""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from integrations.payloads.lenient import JsonObject

PropertyValue: TypeAlias = str | bool
Properties: TypeAlias = Mapping[str, PropertyValue]

SOURCE: Final = "Sentry"
LONGEST_PROPERTY = 256
"""Most characters of a property's value; FME's documentation allows no more."""

_ENCODER: Final = msgspec.json.Encoder()


class _Wire(msgspec.Struct):
    """The object on the wire; the fields in FME's order and spelling."""

    eventTypeId: str
    trafficTypeName: str
    environmentName: str
    key: str
    timestamp: int
    value: None
    source: str
    properties: msgspec.Raw


class TrackEvent(msgspec.Struct, frozen=True):
    """One event for one key. `encoded_properties` is the JSON of `properties`, made once for many events.

    All texts are valid Unicode; keys have 1 to 250 characters, traffic types are lower case. A struct: a frozen
    dataclass takes ten times as long to make, and eight of them were a twelfth of the mapping.
    """

    event_type: str
    traffic_type: str
    environment_id: int
    environment_name: str
    key: str
    timestamp_ms: int
    properties: Properties
    encoded_properties: bytes

    def as_dict(self) -> JsonObject:
        """Return the object FME receives."""
        return {
            "eventTypeId": self.event_type,
            "trafficTypeName": self.traffic_type,
            "environmentName": self.environment_name,
            "key": self.key,
            "timestamp": self.timestamp_ms,
            "value": None,
            "source": SOURCE,
            "properties": dict(self.properties),
        }

    @property
    def json(self) -> str:
        """The same object as compact JSON text."""
        wire = _Wire(
            self.event_type,
            self.traffic_type,
            self.environment_name,
            self.key,
            self.timestamp_ms,
            None,
            SOURCE,
            msgspec.Raw(self.encoded_properties),
        )
        return _ENCODER.encode(wire).decode()


def encode_properties(properties: Properties) -> bytes:
    """Return the properties as compact JSON."""
    return _ENCODER.encode(properties)


def property_map(values: Mapping[str, PropertyValue | None]) -> dict[str, PropertyValue]:
    """Return what is there, texts cut to FME's limit; what is None is left out."""
    return {name: _cut(value) for name, value in values.items() if value is not None}


def _cut(value: PropertyValue) -> PropertyValue:
    return value[:LONGEST_PROPERTY] if isinstance(value, str) else value
