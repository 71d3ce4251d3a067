"""Blocks in portions for one transaction each: other callers wait while one is stored."""

from collections.abc import Iterator, Sequence

from storage.chain.log import ReadBlock

PORTION_EVENTS_MAX = 2000
PORTION_BYTES_MAX = 4 * 1024 * 1024
"""Of raw events. A single block may have more of both."""


def in_portions(blocks: Sequence[ReadBlock]) -> Iterator[Sequence[ReadBlock]]:
    """The blocks in their order; there must be some."""
    first, events, size_bytes = 0, 0, 0
    for place, block in enumerate(blocks):
        events += len(block.events)
        size_bytes += len(block.block.raw_events)
        if place > first and (events > PORTION_EVENTS_MAX or size_bytes > PORTION_BYTES_MAX):
            yield blocks[first:place]
            first, events, size_bytes = place, len(block.events), len(block.block.raw_events)
    yield blocks[first:]
