"""A mapping that nobody can change, for the fields of frozen models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar, cast

__all__ = ["FrozenMap", "frozen_map"]

_V = TypeVar("_V")


class FrozenMap(Mapping[str, _V]):
    """A read-only copy of a mapping; equal to any mapping with the same items.

    Unlike `types.MappingProxyType` it can be pickled and copied.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, _V]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> _V:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        # Snapshots compare many maps for each fact; Mapping's own way is slow.
        if isinstance(other, FrozenMap):
            return self._items == cast("FrozenMap[object]", other)._items
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as of every mapping

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, _V]]]:
        return type(self), (self._items,)


_NOTHING: FrozenMap[Any] = FrozenMap({})


def frozen_map(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of *mapping*; every empty one is the same."""
    if isinstance(mapping, FrozenMap):
        return mapping
    return FrozenMap(mapping) if mapping else _NOTHING
