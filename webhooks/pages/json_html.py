"""JSON as markup: an exact body with coloured values, and a tree that folds, marks and searches. No script needed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from integrations.payloads.lenient import JsonValue
from webhooks.masking import ADDRESS, DEEPEST, EMAIL, HIDDEN, TOO_DEEP

MOST_NODES = 4000
"""Values in one tree: what is beyond them is in the raw text."""

OPEN = ("event", "event.user", "data", "data.error", "data.error.user")
"""Where keys stand most often: open from the beginning, in both body forms."""

MASKS = (EMAIL, ADDRESS, HIDDEN)


@dataclass(slots=True)
class Tree:
    """One payload being drawn: what is searched, what is marked, and what was found on the way."""

    find: str = ""
    marked: frozenset[str] = frozenset()
    found: int = 0
    nodes: int = 0
    open_to: set[str] = field(default_factory=lambda: set(OPEN))

    def finds(self, value: JsonValue, path: str) -> bool:
        """Whether what is searched stands in a value or in the path to it."""
        if not self.find:
            return False
        shown = value if isinstance(value, str) else json.dumps(value)
        return self.find in shown.lower() or self.find in path.lower()


def code(value: JsonValue) -> SafeString:
    """Pretty JSON, the whole of it, with a span per value."""
    return mark_safe(_code(_shallow(value), "\n"))  # noqa: S308 - every text of it is escaped below


def tree(
    payload: JsonValue, *, find: str = "", marked: frozenset[str] = frozenset()
) -> tuple[SafeString, Tree]:
    """The payload as nested details, open down to what is marked or found; and what was counted on the way."""
    state = Tree(find.strip().lower(), marked)
    payload = _shallow(payload)
    for path in marked:
        state.open_to.update(_above(path))
    if state.find:  # a large payload takes a second to look through
        _look(payload, "", state)
    html = _node("", payload, "", state, is_root=True)
    return mark_safe(html), state  # noqa: S308 - every text of it is escaped below


def count_masks(value: JsonValue) -> dict[str, int]:
    """How many values of each kind were masked, in words."""
    names = {EMAIL: "e-mail address", ADDRESS: "IP address", HIDDEN: "secret or name"}
    text = json.dumps(value, ensure_ascii=False)
    return {names[mask]: text.count(mask) for mask in MASKS if mask in text}


def _code(value: JsonValue, end: str) -> str:
    inner = f"{end}  "
    if isinstance(value, dict) and value:
        items = [f"{_text(key)}: {_code(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{end}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(_code(item, inner) for item in value)}{end}]"
    return _scalar(value)


def _scalar(value: JsonValue) -> str:
    if isinstance(value, str):
        return f'<span class="s">{_masked(_text(value))}</span>'
    if isinstance(value, bool):
        return f'<span class="w">{str(value).lower()}</span>'
    if value is None or isinstance(value, dict | list):
        return f'<span class="x">{escape(json.dumps(value))}</span>'
    return f'<span class="d">{escape(json.dumps(value))}</span>'


def _text(value: str) -> str:
    return escape(json.dumps(value, ensure_ascii=False))


def _masked(html: str) -> str:
    for mask in MASKS:
        html = html.replace(mask, f'<span class="mask">{mask[1:-1]}</span>')
    return html


def _above(path: str) -> Iterator[str]:
    """The paths of everything that holds what stands at `path`, the whole payload's included."""
    yield ""
    for place, letter in enumerate(path):
        if letter == ".":
            yield path[:place]


def _look(value: JsonValue, path: str, state: Tree) -> bool:
    """Whether this value or one below it matches; such branches are open."""
    items = _items(value)
    if items is None:
        is_hit = state.finds(value, path)
        state.found += is_hit
        return is_hit
    hits = [_look(item, f"{path}.{key}" if path else key, state) for key, item in items]
    if any(hits):
        state.open_to.add(path)
    return any(hits)


def _items(value: JsonValue) -> list[tuple[str, JsonValue]] | None:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(str(place), item) for place, item in enumerate(value)]
    return None


def _node(name: str, value: JsonValue, path: str, state: Tree, *, is_root: bool = False) -> str:
    state.nodes += 1
    items = _items(value)
    if not items:
        return f"{name}{_leaf(value, path, state)}"
    brackets, noun = ("{}", "key") if isinstance(value, dict) else ("[]", "item")
    size = f'<span class="x">{brackets[0]} {len(items)} {noun}{"" if len(items) == 1 else "s"} {brackets[1]}</span>'
    is_open = " open" if is_root or path in state.open_to else ""
    children = []
    for key, item in items:
        if state.nodes >= MOST_NODES:
            children.append('<li class="x">… the rest is in the raw text</li>')
            break
        children.append(_child(value, key, item, path, state))
    return f"<details{is_open}><summary>{name}{size}</summary><ul>{''.join(children)}</ul></details>"


def _child(parent: JsonValue, key: str, item: JsonValue, path: str, state: Tree) -> str:
    name = f"{_text(key)}: " if isinstance(parent, dict) else f'<span class="x">{key}</span>: '
    return f"<li>{_node(name, item, f'{path}.{key}' if path else key, state)}</li>"


def _leaf(value: JsonValue, path: str, state: Tree) -> str:
    html = _scalar(value)
    return f"<mark>{html}</mark>" if path in state.marked or state.finds(value, path) else html


def _shallow(value: JsonValue, depth: int = 0) -> JsonValue:
    """The same value, cut where nobody reads any more, so that recursion has an end."""
    if isinstance(value, dict):
        return {k: _shallow(v, depth + 1) for k, v in value.items()} if depth < DEEPEST else TOO_DEEP
    if isinstance(value, list):
        return [_shallow(item, depth + 1) for item in value] if depth < DEEPEST else TOO_DEEP
    return value
