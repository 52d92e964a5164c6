"""The schemas of what crosses the wire refer to each other, and to nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from utd_stream.wire.spelling import grid_schemas, metadata_schemas


def referred(schema: Any) -> Iterator[str]:
    """Yield the names of the schemas that *schema* refers to."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from referred(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from referred(value)


def test_every_schema_that_is_referred_to_is_there() -> None:
    """Grids and metadata are described together, each by one name."""
    grids, metadata = grid_schemas(), metadata_schemas()

    assert not grids.keys() & metadata.keys()
    assert set(referred([grids, metadata])) <= grids.keys() | metadata.keys()
    assert {"RoomMetadata", "SeatsMetadata"} <= metadata.keys()
