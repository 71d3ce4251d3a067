"""The audit log: who did what, to what, with what result, as a hash chain.

The committer writes an entry for each item that came with a `Deed`, in the transaction of the deed: the same
commit makes both durable. An item that a mutation refused has an entry with the reason, and a sweep one for
each entity that it moved; an item that failed, or that repeats a request which was answered before, has done
nothing and has none.

Entries are numbered densely, from 1. Their canonical bytes are the UTF-8 of a JSON object with the members of
`AuditEntry` in the order of its fields, without spaces, with no more escaped than JSON demands; these bytes
are stored as they are. The hash of an entry is the SHA-256, in lower-case hexadecimal, of the hash of the
entry before (those 64 digits; 64 zeros before the first) followed by its canonical bytes. Number, hash and
time of the last entry are in `database_state`, whose row every transaction with entries locks until it
commits: so the chain cannot fork, however many servers write it. The times of entries never go back, so that
a time is found by bisection: if the clock of a server was ahead, later entries have its last time until that
is reached.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from storage.audit.deeds import AuditFacts, Deed
from storage.engines.dialect import Heads
from storage.errors import Refusal
from storage.outcome import Mutation, Outcome
from storage.records import Record
from storage.transaction import AuditNote, Transaction

OK = "ok"
"""The result of what was not refused."""


class AuditEntry(Record, frozen=True, kw_only=True, omit_defaults=False):
    """An entry of the audit log. Its canonical bytes have these fields, in this order."""

    number: int
    time_us: int
    actor: str
    method: str
    target_type: str
    target_id: str
    result: str  # `ok`, or the reason of the refusal
    status: str = ""  # that the target is in then, if it has one
    trace_id: str
    correlation_id: str  # of the extrinsic that the deed asked the chain for
    counts: Mapping[str, int]
    subject: str = ""  # whom the caller named, see `storage.outcome.Mutation`; the oldest entries lack it


_encode = msgspec.json.Encoder(order="deterministic").encode


def note(
    tx: Transaction,
    mutation: Mutation[Any, Any],
    items: Sequence[Any],
    deeds: Sequence[Deed | None],
    outcomes: Sequence[Outcome[Any]],
) -> None:
    """Buffer the entries of items of one mutation; an item without a deed has none."""
    describe, subject_of, notes = mutation.describe, mutation.subject, tx.audit
    for item, deed, outcome in zip(items, deeds, outcomes, strict=True):
        if deed is None:
            continue
        subject = subject_of(item) if subject_of else ""
        if isinstance(outcome, Refusal):
            target_type, target_id = outcome.resource or ("", "")
            notes.append(AuditNote(deed, target_type, target_id, outcome.reason, "", "", {}, subject))
            continue
        facts = describe(outcome)
        for target_type, target_id, correlation_id, status, counts in _each(facts):
            notes.append(AuditNote(deed, target_type, target_id, OK, correlation_id, status, counts, subject))


def _each(facts: AuditFacts | list[AuditFacts] | None) -> Sequence[AuditFacts]:
    if facts is None:
        return ()
    return facts if isinstance(facts, list) else (facts,)


def write(tx: Transaction, heads: Heads) -> None:
    """Write the buffered entries behind the last, whose row in `database_state` is locked."""
    number, previous = heads.audit_number, heads.audit_hash.encode()
    time_us = max(tx.now_us, heads.audit_time_us)
    rows = []
    for deed, target_type, target_id, result, correlation_id, status, counts, subject in tx.audit:
        number += 1
        entry = _encode(
            AuditEntry(
                number=number,
                time_us=time_us,
                actor=deed.actor,
                method=deed.method,
                target_type=target_type,
                target_id=target_id,
                result=result,
                status=status,
                trace_id=deed.trace_id,
                correlation_id=correlation_id,
                counts=counts,
                subject=subject,
            )
        )
        digest = sha256(previous + entry).hexdigest()
        previous = digest.encode()
        rows.append(
            (
                number,
                time_us,
                deed.actor,
                deed.method,
                target_type,
                target_id,
                deed.trace_id,
                entry.decode(),
                digest,
            )
        )
    tx.dialect.append_audit(tx.connection, rows)
