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

    def press(self, rows: Rows, gone: Rows) -> tuple[Rows, Rows, int]:
        """The rows afterwards, the rows that can be brought back, and the row that takes the focus."""
        if self.action == "remove" and self.row < len(rows):
            left, removed = without(rows, self.row), rows[self.row]
            focus = max(self.row - 1, 0) if left else ADD_BUTTON
            return left, [*gone, removed] if any(removed.values()) else gone, focus
        if len(rows) >= MAX_ROWS:
            return rows, gone, ADD_BUTTON
        if self.action == "undo" and self.row < len(gone):
            return [*rows, gone[self.row]], without(gone, self.row), len(rows)
        return [*rows, {}], gone, len(rows)


def typed_rows(data: QueryDict, prefix: str, names: tuple[str, str]) -> Rows:
    """The rows of a posted group as they were typed, valid or not."""
    count = min(whole_number(data.get(f"{prefix}-TOTAL_FORMS", "")) or 0, MAX_ROWS)
    return [{name: data.get(f"{prefix}-{row}-{name}", "") for name in names} for row in range(count)]


def gone_rows(data: QueryDict, prefix: str, names: tuple[str, str]) -> Rows:
    """The rows that "−" took away, kept in the page until Save so that each can be brought back."""
    lists = [data.getlist(f"{prefix}-gone-{name}")[:MAX_ROWS] for name in names]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=False)]
    return [row for row in rows if any(row.values())]


def without(rows: Rows, place: int) -> Rows:
    """The rows but one."""
    return rows[:place] + rows[place + 1 :]
