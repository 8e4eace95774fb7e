"""The buttons "+", "−" and Undo of a group of rows: they change how many rows there are, and nothing else."""

from dataclasses import dataclass

from django.http import QueryDict

from integrations.validation import whole_number

MAX_ROWS = 100
ADD_BUTTON = -1
"""In place of a row's number: the focus goes to "+"."""
Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class RowButton:
    """A pressed "+", "−" or Undo: which group, and which row of it."""

    action: str
    group: str
    row: int = 0

    @classmethod
    def of(cls, data: QueryDict) -> "RowButton | None":
        """The row button among the posted names, if one was pressed."""
        for action in ("add", "remove", "undo"):
            if action in data:
                group, _, row = str(data[action]).partition("-")
                return cls(action, group, whole_number(row) or 0)
        return None

    def press(self, rows: Rows, gone: dict[str, str]) -> tuple[Rows, dict[str, str], int]:
        """The rows afterwards, the row that can be brought back, and the row that takes the focus."""
        if self.action == "remove" and self.row < len(rows):
            left = rows[: self.row] + rows[self.row + 1 :]
            removed = rows[self.row]
            focus = max(self.row - 1, 0) if left else ADD_BUTTON
            return left, removed if any(removed.values()) else gone, focus
        if len(rows) >= MAX_ROWS:
            return rows, gone, ADD_BUTTON
        if self.action == "undo":
            return [*rows, gone], {}, len(rows)
        return [*rows, {}], gone, len(rows)


def typed_rows(data: QueryDict, prefix: str, names: tuple[str, str]) -> Rows:
    """The rows of a posted group as they were typed, valid or not."""
    count = min(whole_number(data.get(f"{prefix}-TOTAL_FORMS", "")) or 0, MAX_ROWS)
    return [{name: data.get(f"{prefix}-{row}-{name}", "") for name in names} for row in range(count)]


def gone_row(data: QueryDict, prefix: str, names: tuple[str, str]) -> dict[str, str]:
    """The row that "−" took away last, kept in the page until Save so that it can be brought back."""
    row = {name: data.get(f"{prefix}-gone-{name}", "") for name in names}
    return row if any(row.values()) else {}
