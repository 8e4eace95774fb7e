"""Writing the table into its place in `docs/performance.md`; the words around it stay."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.results import Result, table

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(page: Path, facts: str, command: str, results: Sequence[Result]) -> None:
    """Replace what stands between the two marks of `page`. Raises ValueError without them."""
    day = datetime.now(UTC).date().isoformat()
    page.write_text(with_table(page.read_text(), f"- `{command}`, {day}\n{facts}\n\n{table(results)}"))


def with_table(text: str, measured: str) -> str:
    """The page's text with `measured` between the marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page holds no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{measured}\n{END}{after}"
