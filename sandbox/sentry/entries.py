"""PURE: the parts of an event, in the shape of REST (camelCase) and in the stored shape (with its nulls)."""

from typing import Any

Json = dict[str, Any]

# What Sentry's own classes add to what the normaliser left, in their order.
FRAME_KEYS = [
    "colno",
    "context_line",
    "data",
    "errors",
    "function",
    "raw_function",
    "image_addr",
    "in_app",
    "instruction_addr",
    "addr_mode",
    "module",
    "package",
    "platform",
    "post_context",
    "pre_context",
    "symbol",
    "symbol_addr",
    "trust",
    "vars",
    "snapshot",
    "lock",
]
MECHANISM_KEYS = [
    "synthetic",
    "description",
    "help_link",
    "data",
    "meta",
    "source",
    "is_exception_group",
    "exception_id",
    "parent_id",
]
REQUEST_LISTS = ("query_string",)
REQUEST_KEYS = [
    "api_target",
    "method",
    "url",
    "fragment",
    "headers",
    "cookies",
    "data",
    "env",
    "inferred_content_type",
]


def filled(data: Json) -> Json:
    """The stored event as app webhooks show it: absent parts of frames, mechanisms and the request as null."""
    new = dict(data)
    if values := (data.get("exception") or {}).get("values"):
        new["exception"] = {"values": [_filled_value(value) for value in values if value]}
    if request := data.get("request"):
        new["request"] = request | {name: request.get(name) or [] for name in REQUEST_LISTS}
        new["request"] = _with_nulls(new["request"], REQUEST_KEYS)
    return new


def entries(data: Json) -> list[Json]:
    """Exception, message, breadcrumbs, request and so on, as REST answers and service hooks show them."""
    shown: list[tuple[str, Json | None]] = [
        ("exception", _exception(data.get("exception"))),
        ("message", _message(data)),
        ("csp", data.get("csp")),
        ("threads", data.get("threads")),
        ("breadcrumbs", data.get("breadcrumbs")),
        ("request", _request(data.get("request"))),
    ]
    return [{"data": content, "type": kind} for kind, content in shown if content]


def _message(data: Json) -> Json | None:
    return {"formatted": data["message"]} if data.get("logentry") and data["message"] else None


def _exception(exception: Json | None) -> Json | None:
    if not exception or not exception.get("values"):
        return None
    values = [_value(value) for value in exception["values"] if value]
    has_system = any((value["stacktrace"] or {}).get("hasSystemFrames") for value in values)
    return {"values": values, "hasSystemFrames": has_system, "excOmitted": None}


def _value(value: Json) -> Json:
    frames = (value.get("stacktrace") or {}).get("frames")
    trace = {
        "frames": [_frame(frame) for frame in frames or [] if frame],
        "framesOmitted": None,
        "registers": None,
        "hasSystemFrames": any(not frame.get("in_app") for frame in frames or [] if frame),
    }
    return {
        "type": value.get("type"),
        "value": value.get("value"),
        "mechanism": value.get("mechanism"),
        "threadId": value.get("thread_id"),
        "module": value.get("module"),
        "stacktrace": trace if frames else None,
        "rawStacktrace": None,
    }


def _frame(frame: Json) -> Json:
    return {
        "filename": frame.get("filename"),
        "absPath": frame.get("abs_path"),
        "module": frame.get("module"),
        "package": frame.get("package"),
        "platform": frame.get("platform"),
        "instructionAddr": frame.get("instruction_addr"),
        "symbolAddr": frame.get("symbol_addr"),
        "function": frame.get("function"),
        "rawFunction": frame.get("raw_function"),
        "symbol": frame.get("symbol"),
        "context": _context(frame),
        "lineNo": frame.get("lineno"),
        "colNo": frame.get("colno"),
        "inApp": bool(frame.get("in_app")),
        "trust": frame.get("trust"),
        "errors": None,
        "lock": frame.get("lock"),
        "vars": frame.get("vars"),
    }


def _context(frame: Json) -> list[list[object]]:
    if frame.get("context_line") is None or not frame.get("lineno"):
        return []
    before, after = frame.get("pre_context") or [], frame.get("post_context") or []
    first = frame["lineno"] - len(before)
    return [[first + place, line] for place, line in enumerate([*before, frame["context_line"], *after])]


def _request(request: Json | None) -> Json | None:
    if not request:
        return None
    return {
        "apiTarget": request.get("api_target"),
        "method": request.get("method"),
        "url": request.get("url"),
        "query": request.get("query_string") or [],
        "fragment": request.get("fragment"),
        "data": request.get("data"),
        "headers": request.get("headers") or [],
        "cookies": request.get("cookies") or [],
        "env": request.get("env"),
        "inferredContentType": request.get("inferred_content_type"),
    }


def _filled_value(value: Json) -> Json:
    new = dict(value)
    if frames := (value.get("stacktrace") or {}).get("frames"):
        new["stacktrace"] = value["stacktrace"] | {
            "frames": [_with_nulls(frame, FRAME_KEYS) for frame in frames]
        }
    if value.get("mechanism"):
        new["mechanism"] = _with_nulls(value["mechanism"], MECHANISM_KEYS)
    return new


def _with_nulls(part: Json, names: list[str]) -> Json:
    return part | {name: None for name in names if name not in part}
