"""Pictures of the pages for docs/screens, taken by `make screens`: light, dark, and the way of the form narrow.

Not a test: pytest runs it only when it is named. The data is that of `make demo-data`, so the pictures change with the
day they are taken on and not otherwise.
"""

import base64
import os
import re
import struct
import zlib
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from tests.e2e import tour
from tests.e2e.conftest import Open, Visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

FOLDER = Path(os.environ.get("SCREENS", Path(__file__).parents[2] / "docs" / "screens"))
ONLY = re.compile(os.environ.get("SCREENS_ONLY", ""))
"""Names of the pages to picture; all by default."""

SHARE = float(os.environ.get("SCREENS_SHARE", "2"))
TALLEST = {"form-with-preview": 1460, "form-with-errors": 1700, "integration": 1700, "message": 1500}
"""Pages worth more than a screen; all others end where the screen does."""

SCREEN = 900
NARROW = {"integrations", "form", "integration", "messages", "message", "problems", "checklist"}
UNPICTURED = {
    "login refused", "marketplace without a match", "integration over a week", "messages without a match",
    "messages live", "messages of an exact time", "message revealed", "events without a match", "resend nothing",
    "problems gone", "import refused", "another project's",
}  # fmt: skip
QUANTISE = (Path(__file__).parent / "quantise.js").read_text()


def test_every_page_has_its_picture(visit: Open, db: None) -> None:
    tour.furnish(share=SHARE)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for theme, width, suffix in (("light", 1280, ""), ("dark", 1280, "-dark"), ("light", 390, "-narrow")):
        tabs: dict[str, Visit] = {}
        for stop in tour.stops():
            if not ONLY.search(stop.name) or stop.name in UNPICTURED:
                continue
            if suffix == "-narrow" and stop.name not in NARROW:
                continue
            key = stop.person or stop.name
            person = User.objects.get(username=stop.person) if stop.person else None
            tab = tabs[key] = tabs.get(key) or visit(person, theme=theme, width=width)
            stop.show(tab.page)
            name = stop.name.replace(" ", "-").replace("'", "")
            (FOLDER / f"{name}{suffix}.png").write_bytes(picture(tab.page, TALLEST.get(name, SCREEN)))
            tab.page.unroute_all()
            tab.page.evaluate("scrollTo(0, 0)")


def picture(page: Page, tallest: int) -> bytes:
    """The page from its top, as a PNG of at most 256 colours: a third of the size, and no eye sees it."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": SCREEN})  # type: ignore[index]
    page.evaluate("document.activeElement?.blur()")
    height = min(page.evaluate("document.documentElement.scrollHeight"), tallest)
    size = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": max(height, 600)}  # type: ignore[index]
    shot = page.screenshot(full_page=True, clip=size)  # type: ignore[arg-type]
    canvas = page.context.browser.new_page()  # where no policy forbids data: images
    found = canvas.evaluate(QUANTISE, base64.b64encode(shot).decode())
    canvas.close()
    return palette_png(
        found["width"], found["height"], bytes(found["palette"]), base64.b64decode(found["pixels"])
    )


def palette_png(width: int, height: int, palette: bytes, pixels: bytes) -> bytes:
    """A PNG whose pixels are places in `palette`."""
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, parts))


def chunk(part: tuple[bytes, bytes]) -> bytes:
    """One part of a PNG: its length, its name, itself, its checksum."""
    name, data = part
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
