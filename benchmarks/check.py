"""A figure counts only when nothing was lost on its way: what was answered has to be found."""

from collections import Counter
from collections.abc import Iterable


class Lost(Exception):
    """Something that was accepted is not where it has to be."""


def demand_all(accepted: Iterable[str], stored: Iterable[str], where: str) -> int:
    """Every accepted id is among the stored ones; returns how many. Raises Lost, naming a few."""
    wanted, found = set(accepted), set(stored)
    if missing := sorted(wanted - found):
        raise Lost(f"{len(missing)} of {len(wanted)} accepted are not in {where}: {missing[:3]}")
    return len(wanted)


def demand_each_once(wanted: Iterable[str], arrived: Iterable[str], where: str) -> int:
    """Every event arrived, and exactly once; returns how many. Raises Lost."""
    counts = Counter(arrived)
    total = demand_all(wanted, counts, where)
    if doubled := [name for name, count in counts.items() if count > 1]:
        raise Lost(f"{len(doubled)} arrived more than once at {where}: {sorted(doubled)[:3]}")
    return total
