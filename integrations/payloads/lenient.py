"""Reading JSON objects that may hold anything anywhere, and decoding only what somebody asks for.

An exception's body is mostly stack frames, which the mapping never looks at. So an object is read as a
map of name to undecoded text (`Parts`), and a value is decoded when it is first asked for.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias, TypeVar

import msgspec

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
JsonObject: TypeAlias = dict[str, JsonValue]

_T = TypeVar("_T")

# What decoding foreign bytes can raise: malformed JSON or wrong type (DecodeError), bad UTF-8 or a number
# of thousands of digits (both ValueError), and thousands of nested brackets.
UNDECODABLE = (msgspec.DecodeError, ValueError, RecursionError)

_ANYTHING = msgspec.json.Decoder()
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
# Python reads no longer numbers. One so long is only ever refused for its length, so it may be cut.
_MOST_DIGITS = 4000
# No parser goes deeper than Python's stack, about 1,000 levels; nothing that is looked for lies below a few.
_DEEPEST = 200
# A quote that is never closed takes the rest, so that no text is gone over twice.
_TEXT_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{}]', re.DOTALL)
# PostgreSQL stores no NUL, and UTF-8 has no lone surrogates; JSON allows both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Parts:
    """One JSON object whose values are decoded when they are first read, and then kept."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> JsonValue:
        """Return the decoded value; None when absent, null or undecodable."""
        value = self._values.get(name)
        if isinstance(value, msgspec.Raw):
            value = self._values[name] = _decoded(value)
        return value  # type: ignore[return-value]  # what is not Raw was decoded from JSON

    def read(self, name: str, shape: msgspec.json.Decoder[_T]) -> _T | None:
        """Decode one value into a typed shape, which skips what it does not name; None if it does not fit."""
        value = self._values.get(name)
        try:
            if isinstance(value, msgspec.Raw):
                return shape.decode(value)
            return msgspec.convert(value, shape.type)
        except UNDECODABLE:
            return None

    def put(self, name: str, value: JsonValue) -> None:
        """Let a better reading of a value stand in its place."""
        self._values[name] = value

    def text(self, name: str) -> str | None:
        """Return the value when it is a text that is not blank, made storable; else None."""
        return text_of(self.get(name))

    def source(self, name: str) -> str:
        """Return the value as JSON text: for numbers the digits as they were sent, before any rounding."""
        value = self._values.get(name)
        if isinstance(value, msgspec.Raw):
            return bytes(value).decode("utf-8", "replace")
        return json.dumps(value)

    def object(self, name: str) -> "Parts | None":
        """Return the value as parts of its own when it is an object; else None."""
        value = self._values.get(name)
        if isinstance(value, msgspec.Raw):
            return _parts(value)
        return Parts(value) if isinstance(value, dict) else None


def read_object(body: bytes) -> Parts | None:
    """Read a body as one JSON object; None when it is not JSON or not an object."""
    return _parts(body)


def read_outside(body: bytes) -> Parts | None:
    """Like `read_object`; of a body that is nested too deep for any parser, what lies above that."""
    if (found := read_object(body)) is not None:
        return found
    upper = without_depths(body)
    return None if upper is None else _parts(upper)


def without_depths(body: bytes) -> bytes | None:
    """The JSON text with null for every value deeper than _DEEPEST, which is not checked; None if none is."""
    kept, depth, start = bytearray(), 0, 0
    for token in _TEXT_OR_BRACKET.finditer(body):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
            if depth == _DEEPEST + 1:
                kept += body[start : token.start()]
        elif mark in (b"}", b"]"):
            if depth == _DEEPEST + 1:
                kept += b"null"
                start = token.end()
            depth -= 1
    return bytes(kept + body[start:]) if start and depth <= _DEEPEST else None


def load_object(body: bytes) -> JsonObject | None:
    """Decode a whole object with the tolerant parser of the standard library; None when it cannot be.

    msgspec refuses lone surrogates (even in fields it skips), NaN and 1e400; Sentry's users send all of them.
    """
    try:
        value = json.loads(body.decode(), parse_int=_integer)
    except UNDECODABLE:
        return None
    return value if isinstance(value, dict) else None


def as_strict_json(value: JsonValue) -> JsonValue:
    """The same value as every reader of JSON takes it: NaN and 1e400 as words, lone surrogates replaced."""
    text = clean_text(json.dumps(value, ensure_ascii=False))
    strict: JsonValue = json.loads(text, parse_int=_integer, parse_constant=str)
    return strict


def text_of(value: object) -> str | None:
    """Return a text that is not blank, made storable; None for everything else."""
    if not isinstance(value, str) or not value or value.isspace():
        return None
    return clean_text(value)


def number_or_text_of(value: object) -> str | None:
    """Like `text_of`, with whole numbers as decimal text: ids are numbers in one form, texts in the other."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else None
    return text_of(value)


def clean_text(text: str) -> str:
    """Replace what neither UTF-8 nor the database can hold; everything else stays as it is."""
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)


def _parts(body: bytes | msgspec.Raw) -> Parts | None:
    try:
        return Parts(_OBJECT.decode(body))
    except UNDECODABLE:
        values = load_object(bytes(body))
        return None if values is None else Parts(values)


def _decoded(raw: msgspec.Raw) -> JsonValue:
    try:
        return _ANYTHING.decode(raw)  # type: ignore[no-any-return]  # an untyped decoder returns JSON values
    except UNDECODABLE:
        return _decoded_tolerantly(raw)


def _decoded_tolerantly(raw: msgspec.Raw) -> JsonValue:
    try:
        text = bytes(raw).decode("utf-8", "replace")
        return json.loads(text, parse_int=_integer)  # type: ignore[no-any-return]  # as above
    except UNDECODABLE:
        return None


def _integer(digits: str) -> int:
    return int(digits[:_MOST_DIGITS])
