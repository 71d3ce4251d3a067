"""Request ids: the same call twice has one effect and one answer.

A key is made of caller, method and request id; a fingerprint of the request without its id. The answer is
stored in the transaction of the effect. Refusals are not stored: a refused call may be tried again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from storage import schema
from storage.batches import Rows
from storage.engines.driver import execute
from storage.errors import Refusal, RequestIdReused, Retry
from storage.outcome import Mutation, Outcome, mutation
from storage.records import Record
from storage.table_map import TableMap
from storage.transaction import Transaction


class RequestKey(Record, frozen=True, kw_only=True):
    """An idempotent call: `key` is caller, method and request id, `fingerprint` a SHA-256 digest."""

    key: str
    fingerprint: bytes
    request_id: str


class StoredAnswer(Record, frozen=True, kw_only=True):
    request_key: str
    fingerprint: bytes
    answer: str
    create_time_us: int


_answers = TableMap(schema.requests, StoredAnswer)


def request_key(principal: str, method: str, request_id: str, body: bytes) -> RequestKey:
    """The key of one call; `body` is its request without the id, serialized deterministically.

    The parts of the key stand as they are: ids that grow, as those of version 7 do, have neighbours in the
    index, where a hash would touch another page for each (measured: a quarter of what a task costs).
    """
    key = msgspec.json.encode((principal, method, request_id)).decode()
    return RequestKey(key=key, fingerprint=hashlib.sha256(body).digest(), request_id=request_id)


def apply_once(
    tx: Transaction,
    mutation: Mutation[Any, Any],
    items: Sequence[Any],
    keys: Sequence[RequestKey | None],
) -> tuple[list[Outcome[Any]], set[int]]:
    """Apply a mutation to the items whose request was not answered before; answer the others as then.

    Returns the outcomes, and the positions of those that repeat an answer.

    Raises `Retry` if another process answered one of the requests at the same time. That a request was
    refused may be the work of its own twin in another process, so the refused are looked up again.
    """
    known = _load(tx, (key.key for key in keys if key is not None))
    outcomes: list[Outcome[Any] | None] = [None] * len(items)
    repeated: set[int] = set()
    waiting = list(range(len(items)))
    while waiting:
        turn, waiting = _first_of_each_key(waiting, keys)
        fresh = []
        for position in turn:
            key = keys[position]
            if key is not None and key.key in known:
                outcomes[position] = answer = _repeat(mutation, known[key.key], key)
                if not isinstance(answer, Refusal):
                    repeated.add(position)
            else:
                fresh.append(position)
        if fresh:
            decided = mutation.apply(tx, [items[position] for position in fresh])
            new, refused = [], []
            for position, outcome in zip(fresh, decided, strict=True):
                outcomes[position] = outcome
                key = keys[position]
                if key is None:
                    continue
                if isinstance(outcome, Refusal):
                    refused.append(key.key)
                else:
                    known[key.key] = _stored(tx, key, outcome)
                    new.append(known[key.key])
            if _answers.insert_new(tx, new) != len(new) or _load(tx, refused):
                raise Retry
    return outcomes, repeated


def _load(tx: Transaction, keys: Iterable[str]) -> dict[str, StoredAnswer]:
    return {stored.request_key: stored for stored in _answers.load(tx, keys, lock=False)}


def _first_of_each_key(
    waiting: Sequence[int], keys: Sequence[RequestKey | None]
) -> tuple[list[int], list[int]]:
    """Split so that no key stands twice in the first part: the second sees what the first decided."""
    first, rest, seen = [], [], set()
    for position in waiting:
        key = keys[position]
        if key is not None and key.key in seen:
            rest.append(position)
        else:
            first.append(position)
            if key is not None:
                seen.add(key.key)
    return first, rest


def _repeat(mutation: Mutation[Any, Any], stored: StoredAnswer, key: RequestKey) -> Outcome[Any]:
    if stored.fingerprint != key.fingerprint:
        return RequestIdReused(key.request_id)
    return mutation.decode_answer(stored.answer)


def _stored(tx: Transaction, key: RequestKey, answer: Any) -> StoredAnswer:
    return StoredAnswer(
        request_key=key.key,
        fingerprint=key.fingerprint,
        answer=msgspec.json.encode(answer).decode(),
        create_time_us=tx.now_us,
    )


class Prune(Record, frozen=True, kw_only=True):
    """Delete the answers stored before `before_us`, at most `at_most` of them."""

    before_us: int
    at_most: int


@mutation(Rows[Prune])
def prune(tx: Transaction, items: Sequence[Prune]) -> list[Outcome[Rows[Prune]]]:
    """Delete old answers, oldest first."""
    statement = (
        "DELETE FROM requests WHERE request_key IN (SELECT request_key FROM requests"
        f" WHERE create_time_us < {tx.dialect.parameter(1)}"
        f" ORDER BY create_time_us LIMIT {tx.dialect.parameter(2)}{tx.dialect.skip_locked()})"
    )
    return [
        Rows.of(execute(tx.connection, statement, (item.before_us, item.at_most)), item.at_most)
        for item in items
    ]
