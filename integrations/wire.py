"""Track events as Harness FME takes them at `/events/bulk`, as dicts and as ready JSON text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from integrations.lenient import JsonObject, clean_text

PropertyValue: TypeAlias = str | bool
Properties: TypeAlias = Mapping[str, PropertyValue]

SOURCE: Final = "Sentry"
LONGEST_PROPERTY = 256
"""Most characters of a property's value; FME's documentation allows no more."""

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """One event for one key. `properties_json`: the text of `properties`, made once for an exception's events."""

    event_type: str
    traffic_type: str
    environment_id: int
    environment_name: str
    key: str
    timestamp_ms: int
    properties: Properties
    properties_json: str = field(default="", repr=False, compare=False)

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
        """The same object as compact JSON text, valid UTF-8."""
        return (
            f'{{"eventTypeId":{json_text(self.event_type)}'
            f',"trafficTypeName":{json_text(self.traffic_type)}'
            f',"environmentName":{json_text(self.environment_name)}'
            f',"key":{json_text(self.key)}'
            f',"timestamp":{self.timestamp_ms}'
            f',"value":null,"source":"{SOURCE}"'
            f',"properties":{self.properties_json or json_text(self.properties)}}}'
        )


def json_text(value: object) -> str:
    """Return a value as compact JSON. Texts must be clean already: see `clean_text`."""
    return _ENCODER.encode(value).decode()


def property_map(values: Mapping[str, PropertyValue | None]) -> dict[str, PropertyValue]:
    """Return what is there, texts cut to FME's limit and made storable; nothing is null or blank."""
    return {name: _property(value) for name, value in values.items() if value is not None and value != ""}


def _property(value: PropertyValue) -> PropertyValue:
    return clean_text(value[:LONGEST_PROPERTY]) if isinstance(value, str) else value
