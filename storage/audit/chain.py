"""Is the audit log what was written? A walk along its chain, page by page, each in a snapshot of its own.

A walk proves that no entry was changed, removed, added or reordered without recomputing every later hash
and moving the head. To detect that, too, keep the head that a walk reports outside of the database, and pass
it to a later walk as its `anchor`: a walk that finds the same hash there proves that the entries kept up to
it are the ones of that time. Once the entry of the anchor is pruned, nothing that is kept shows whether this
is the log of the anchor: its entries and its checkpoint may all be new.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from storage import limits
from storage.audit.lists import AuditBounds, bounds
from storage.audit.log import AuditEntry
from storage.engines.driver import fetch
from storage.errors import AuditEntryBroken
from storage.records import Record
from storage.transaction import Transaction

CHECKPOINT_TYPE = "audit"
"""The target type of entries that sign for what was pruned."""
_decode = msgspec.json.Decoder(AuditEntry).decode
_NUMBERS = ("number", "time_us")
_TEXTS = ("actor", "method", "target_type", "target_id", "trace_id")


class FaultKind(StrEnum):
    CHANGED = "changed"  # the entry, or the hash of it or of the one before, is not what was written
    MISSING = "missing"
    TRUNCATED = "truncated"  # the log ends before its head
    UNCHAINED = "unchained"  # an entry outside of the chain
    CHECKPOINT_MISSING = "checkpoint_missing"  # the beginning is gone, and nobody has signed for it
    ANCHOR_MISMATCH = "anchor_mismatch"  # the chain is whole, but not the one it was


class Fault(Record, frozen=True, kw_only=True):
    """The first broken link."""

    number: int
    kind: FaultKind
    description: str


class Anchor(Record, frozen=True, kw_only=True):
    """An entry whose hash was noted before."""

    number: int
    hash: str


class Walk(Record, frozen=True, kw_only=True):
    """How far a walk has come: all entries up to `position` are as they were written."""

    anchor: Anchor | None = None
    begun: bool = False
    tail: int = 0
    position: int = 0
    hash: str = ""
    end: int = 0
    end_hash: str = ""
    end_time_us: int = 0
    checkpoint: str = ""  # what still has to be signed for, see `checkpoint_of`
    fault: Fault | None = None

    @property
    def anchor_checked(self) -> bool:
        """Whether the walk has come to its anchor, or begun right behind it, and found the same hash."""
        if self.anchor is None or self.fault is not None:
            return False
        return self.tail <= self.anchor.number <= self.position

    @property
    def over(self) -> bool:
        return self.fault is not None or (self.begun and self.position >= self.end and not self.checkpoint)


def checkpoint_of(tail: int, tail_hash: str) -> str:
    """The target of the entry that signs for a pruned beginning of the log; empty if nothing is pruned."""
    return f"{tail}:{tail_hash}" if tail else ""


def go_on(tx: Transaction, walk: Walk) -> Walk:
    """Walk a page further. What is pruned under the walk is passed over, like what was pruned before."""
    try:
        log = bounds(tx)
    except AuditEntryBroken:
        return msgspec.structs.replace(walk, begun=True, fault=broken_bounds(walk.position))
    if not walk.begun or log.tail > walk.position:
        walk = _begin(walk.anchor, log)
        if (fault := _unchained(tx, log) or _pruned_anchor(walk)) is not None:
            return msgspec.structs.replace(walk, fault=fault)
    rows = rows_after(tx, walk.position, limits.AUDIT_PAGE_MAX, walk.end)
    position, digest, checkpoint = walk.position, walk.hash, walk.checkpoint
    fault = None
    for row in rows:
        digest, fault = check_link(row, position, digest)
        fault = fault or _check_ends(walk, row, digest)
        if fault is not None:
            break
        position += 1
        if checkpoint and _signs_for(row, checkpoint):
            checkpoint = ""
    if fault is None and not rows and position < walk.end:
        fault = _fault(position + 1, FaultKind.TRUNCATED, f"the log ends before its head {walk.end}")
    if fault is None and position >= walk.end and checkpoint:
        why = f"no entry vouches for the removal of entries up to {walk.tail}"
        fault = _fault(walk.tail, FaultKind.CHECKPOINT_MISSING, why)
    return msgspec.structs.replace(walk, position=position, hash=digest, checkpoint=checkpoint, fault=fault)


def _begin(anchor: Anchor | None, log: AuditBounds) -> Walk:
    return Walk(
        anchor=anchor,
        begun=True,
        tail=log.tail,
        position=log.tail,
        hash=log.tail_hash,
        end=log.head,
        end_hash=log.head_hash,
        end_time_us=log.head_time_us,
        checkpoint=checkpoint_of(log.tail, log.tail_hash),
    )


def broken_bounds(position: int) -> Fault:
    """The fault of a log whose bounds cannot be bounds, found when a walk stands at a position."""
    return _fault(position, FaultKind.CHANGED, "the stored bounds of the log are broken")


def _signs_for(row: Sequence[Any], checkpoint: str) -> bool:
    return (row[4], row[5]) == (CHECKPOINT_TYPE.encode(), checkpoint.encode())


def rows_after(tx: Transaction, after: int, at_most: int, until: int) -> list[Sequence[Any]]:
    """The rows of entries as `check_link` takes them.

    Texts are bytes, since they may be no text any more; what is not of the type of its column is None.
    """
    parameter, typed, raw = tx.dialect.parameter, tx.dialect.typed, tx.dialect.raw
    columns = [typed(name, "integer") for name in _NUMBERS]
    columns += [raw(typed(name, "text")) for name in (*_TEXTS, "entry", "hash")]
    return fetch(
        tx.connection,
        f"SELECT {', '.join(columns)} FROM audit_log"
        f" WHERE number > {parameter(1)} AND number <= {parameter(2)} ORDER BY number LIMIT {at_most}",
        (after, until),
    )


def _unchained(tx: Transaction, log: AuditBounds) -> Fault | None:
    for condition, bound in (("<=", log.tail), (">", log.head)):
        where = f"number {condition} {tx.dialect.parameter(1)}"
        ((number,),) = fetch(tx.connection, f"SELECT min(number) FROM audit_log WHERE {where}", (bound,))
        if number is not None:
            why = f"the log has entries {log.tail + 1} to {log.head} only"
            return _fault(number, FaultKind.UNCHAINED, why)
    return None


def _pruned_anchor(walk: Walk) -> Fault | None:
    """The fault of an anchor that the walk does not pass; one before the tail cannot be checked."""
    anchor = walk.anchor
    if anchor is None or walk.tail < anchor.number <= walk.end:
        return None
    if anchor.number > walk.end:
        return _fault(anchor.number, FaultKind.TRUNCATED, f"the log ends with entry {walk.end}")
    if anchor.number == walk.tail and anchor.hash != walk.hash:
        return _fault(
            anchor.number, FaultKind.ANCHOR_MISMATCH, "it had another hash when the anchor was recorded"
        )
    return None


def check_link(row: Sequence[Any], position: int, previous: str) -> tuple[str, Fault | None]:
    """The hash of the entry that follows `position`, and what is wrong with it."""
    number, canonical, stored_hash = row[0], row[-2], row[-1]
    if number != position + 1:
        return "", _fault(position + 1, FaultKind.MISSING, f"entry {number} follows entry {position}")
    if None in row:
        return "", _fault(number, FaultKind.CHANGED, "a value in its row is not of the type of its column")
    digest = sha256(previous.encode() + canonical).hexdigest()
    if digest.encode() != stored_hash:
        return digest, _fault(
            number, FaultKind.CHANGED, "its hash does not match its content and the previous hash"
        )
    try:
        entry = _decode(canonical)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return digest, _fault(number, FaultKind.CHANGED, "it is not an entry")
    told: list[object] = [getattr(entry, name) for name in _NUMBERS]
    told += [getattr(entry, name).encode() for name in _TEXTS]
    for name, value, beside in zip((*_NUMBERS, *_TEXTS), told, row, strict=False):
        if value != beside:
            return digest, _fault(number, FaultKind.CHANGED, f"the column {name} does not match the entry")
    return digest, None


def _check_ends(walk: Walk, row: Sequence[Any], digest: str) -> Fault | None:
    """The fault of an entry that is the head or the anchor."""
    number, time_us = row[:2]
    if number == walk.end and digest != walk.end_hash:
        return _fault(number, FaultKind.CHANGED, "the head of the log has another hash")
    if number == walk.end and time_us != walk.end_time_us:
        return _fault(number, FaultKind.CHANGED, "the head of the log has another time")
    if walk.anchor is not None and number == walk.anchor.number and digest != walk.anchor.hash:
        return _fault(number, FaultKind.ANCHOR_MISMATCH, "it had another hash when the anchor was recorded")
    return None


def _fault(number: int, kind: FaultKind, description: str) -> Fault:
    return Fault(number=number, kind=kind, description=description)
