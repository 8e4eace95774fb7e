"""Payloads for people's eyes: e-mail and IP addresses, names and secrets hidden, everything else as it came.

Pure. One function for pages, API and Django admin. The shape stays, so that a key path still leads where it
led; whoever needs the values reveals the payload, which is a permission and is audited. Patterns are
linear in the text: bodies are large, and strangers write them.
"""

import re
from ipaddress import ip_address
from typing import Final

from integrations.payloads.lenient import JsonValue, clean_text

EMAIL: Final = "[e-mail]"
ADDRESS: Final = "[IP address]"
HIDDEN: Final = "[masked]"
TOO_DEEP: Final = "[too deep to be shown]"
DEEPEST: Final = 100
"""Levels that are shown. Nobody reads deeper, and recursion has an end."""

_SECRETS: Final = (
    r"passw|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie"
    r"|credential|session[_-]?(?:id|key)|csrf|xsrf|signature"
)
_SECRET_NAME: Final = re.compile(
    rf"{_SECRETS}|(?:^|_)(?:pwd|auth|sid|otp|pin|cvv|iban|ssn)(?:$|_)|card_?number"
)
_PERSON_NAME: Final = re.compile(r"(?:user|first|last|full|display|real|middle|nick)_?name")
_EMAIL_NAME: Final = re.compile(r"(?:^|_)e?_?mail(?:_address)?$")
_ADDRESS_NAME: Final = re.compile(
    r"(?:^|_)ip(?:_address|_addr|v4|v6)?$|^remote_addr$|^x_forwarded_for$|^x_real_ip$"
)

_EMAIL: Final = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]++(?:@|%40)(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w-])"
    r"|(?<![\w.+-])[\w.+-]++(?:@|%40)(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w-])"
)
# x.0.0.0 is no host but a version: browsers call themselves "Chrome 120.0.0.0", assemblies "Version=4.0.0.0".
_IPV4: Final = re.compile(
    r"(?<![\w.])(?!\d+\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)"
)
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f:.]{3,45}(?![\w:])")
_KNOWN_SECRETS: Final = re.compile(
    r"\beyJ[\w-]{5,}\.[\w.-]+"  # a JSON Web Token
    r"|\b(?:sntry[a-z]_|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|[sr]k_(?:live|test)_|whsec_|AKIA|ASIA)[\w=+/.-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_SCHEME: Final = re.compile(r"\b(Bearer|Basic|Token|Digest)\s+[\w.~+/=:-]{8,}", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@?#]++(?=@)")
_COOKIES: Final = re.compile(r"(cookie[\"']?\s*[:=]\s*)[^\r\n]+", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    rf"((?:{_SECRETS})\w*+[\"'\]]*\s*(?:=|:|%3D)\s*[\"']?|[?&](?:code|key|sig|auth|pwd|sid)=)[^\s&;,\"'<>()]{{2,}}",
    re.IGNORECASE,
)
_HINTS: Final = (
    "passw", "passphrase", "secret", "token", "key", "auth", "cookie", "credential", "session", "csrf", "xsrf",
    "signature", "code=", "sig=", "pwd=", "sid=",
)  # fmt: skip
"""A text without one of these has nothing for `_ASSIGNED`, whose search costs as much as all the others."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def mask(payload: JsonValue) -> JsonValue:
    """The payload as everybody may see it who may see the integration."""
    return _mask(payload, depth=0, around="")


def mask_text(text: str) -> str:
    """One text, such as a title or an error message, with what must not be seen hidden in it."""
    text = _KNOWN_SECRETS.sub(HIDDEN, clean_text(text))
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _COOKIES.sub(rf"\1{HIDDEN}", text)
    folded = text.casefold()
    if any(hint in folded for hint in _HINTS):
        text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
    if "://" in text:
        text = _USERINFO.sub(HIDDEN, text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(EMAIL, text)
    text = _IPV4.sub(ADDRESS, text)
    return _IPV6.sub(_address, text) if text.count(":") > 1 else text


def _mask(value: JsonValue, *, depth: int, around: str) -> JsonValue:
    """`around` is the name of the object that `value` stands in: a name inside `user` is a person's."""
    if depth > DEEPEST and isinstance(value, dict | list):
        return TOO_DEEP
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return _mask_object(value, depth=depth + 1, around=around)
    if isinstance(value, list):
        return _mask_list(value, depth=depth + 1, around=around)
    if isinstance(value, float) and value - value != 0:  # NaN and the infinities, which JSON does not have
        return str(value)
    return value


def _mask_object(values: dict[str, JsonValue], *, depth: int, around: str) -> dict[str, JsonValue]:
    name = values.get("key")
    if isinstance(name, str) and values.keys() <= {"key", "value", "query"}:  # a tag of a service hook
        named = {key: _named(name, value, depth=depth, around="tags") for key, value in values.items()}
        return named | {"key": mask_text(name)}
    return {mask_text(key): _named(key, value, depth=depth, around=around) for key, value in values.items()}


def _mask_list(values: list[JsonValue], *, depth: int, around: str) -> list[JsonValue]:
    if len(values) == 2 and isinstance(values[0], str):  # a tag, header or query parameter: [name, value]
        return [mask_text(values[0]), _named(values[0], values[1], depth=depth, around="tags")]
    return [_mask(value, depth=depth, around=around) for value in values]


def _named(name: str, value: JsonValue, *, depth: int, around: str) -> JsonValue:
    """What stands under `name`: some names say that whatever stands there is not for everybody's eyes."""
    plain = _CAMEL.sub("_", name).lower().replace("-", "_").replace(" ", "_")
    if _SECRET_NAME.search(plain):
        return _hide(value, HIDDEN, depth=depth)
    if _EMAIL_NAME.search(plain):
        return _hide(value, EMAIL, depth=depth)
    if _ADDRESS_NAME.search(plain):
        return _hide(value, ADDRESS, depth=depth)
    if _PERSON_NAME.fullmatch(plain) or (plain == "name" and around == "user"):
        return _hide(value, HIDDEN, depth=depth)
    if plain == "user" and isinstance(value, str) and value.startswith("username:"):
        return f"username:{HIDDEN}"  # Sentry's tag `user` is "id:42", "username:jane", …
    return _mask(value, depth=depth, around=plain)


def _hide(value: JsonValue, mark: str, *, depth: int) -> JsonValue:
    """Every text and number in `value` replaced, its shape kept; null, blank and true say nothing."""
    if depth > DEEPEST and isinstance(value, dict | list):
        return TOO_DEEP
    if isinstance(value, dict):
        return {mask_text(key): _hide(inner, mark, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hide(inner, mark, depth=depth + 1) for inner in value]
    return value if value is None or isinstance(value, bool) or value == "" else mark


def _address(found: re.Match[str]) -> str:
    text = found[0]
    try:
        ip_address(text.rstrip("."))
    except ValueError:
        return text
    return ADDRESS if any(letter.isdigit() for letter in text) else text
