"""SQLite stores values of any type in any column: what is put into those of the audit log is a fault."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from storage.audit import chain as audit_chain
from storage.audit import retention as audit_retention
from storage.audit.chain import Fault, Walk
from storage.audit.lists import AuditFilter
from storage.audit.lists import page as audit_page
from storage.audit.retention import Prune
from storage.engines.driver import execute, fetch
from storage.errors import AuditEntryBroken
from storage.schema_audit import audit_log
from storage.store import LOCAL, Storage
from storage.transaction import Transaction
from tests.storage.auditing import PRUNING, audited, meddle, some_entries, walked
from tests.storage.conftest import Shared
from tests.storage.items import HOUR_US, now_us
from tests.storage.looking import empty

STATE_COLUMNS = ("audit_head", "audit_hash", "audit_time_us", "audit_tail", "audit_tail_hash")
PLACES = st.one_of(
    st.tuples(st.just("audit_log"), st.sampled_from([column.name for column in audit_log.columns])),
    st.tuples(st.just("database_state"), st.sampled_from(STATE_COLUMNS)),
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
VALUES = st.none() | NUMBERS | st.floats() | TEXTS | st.binary(max_size=70)


class Undone(Exception):
    """Nothing of a transaction shall stay."""


@pytest_asyncio.fixture(loop_scope="session")
async def embedded(shared: Shared) -> AsyncIterator[Storage]:
    """A log on SQLite whose beginning is pruned: it has the entries 2 to 5."""
    storage = await shared.borrow("memory", LOCAL)
    await some_entries(storage, 4)
    await storage.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=1), deed=PRUNING)
    yield storage
    await empty(storage)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLACES, st.integers(2, 5), VALUES, st.booleans())
@example(("database_state", "audit_tail_hash"), 2, b"\0", False)
@example(("database_state", "audit_tail"), 2, 2**63 - 1, False)
@example(("database_state", "audit_head"), 2, 2**63 - 1, False)
@example(("database_state", "audit_time_us"), 2, b"\xff", True)
@example(("audit_log", "time_us"), 2, "x", False)
@example(("audit_log", "hash"), 5, 1.5, False)
async def test_a_value_of_any_type_is_a_fault_and_no_error(
    embedded: Storage, place: tuple[str, str], number: int, value: object, as_text: bool
) -> None:
    table, column = place
    where = f" WHERE number = {number}" if table == "audit_log" else ""
    stored = f"SELECT typeof({column}), CAST({column} AS BLOB) FROM {table}{where}"
    put = "CAST(? AS TEXT)" if as_text and isinstance(value, bytes) else "?"  # it need not be UTF-8
    found: list[tuple[bool, Fault | None, Fault | None]] = []

    def meddle_and_look(connection: Connection) -> None:
        tx = Transaction(connection, embedded._engine.dialect, now_us=now_us(), local=True)
        before = fetch(connection, stored)
        try:
            execute(connection, f"UPDATE {table} SET {column} = {put}{where}", (value,))
        except DBAPIError:  # the schema refuses it
            raise Undone from None
        _read_list(tx)
        changed = fetch(connection, stored) != before
        found.append((changed, _walk(tx).fault, _pruning(tx).fault))
        raise Undone

    with pytest.raises(Undone):
        await embedded._engine.write(meddle_and_look)
    for changed, walked_into, pruned_into in found:
        assert (walked_into is not None) == changed
        assert changed or pruned_into is None


def _read_list(tx: Transaction) -> None:
    """Read the list by time, which may say that it is broken, but nothing else."""
    try:
        for stored in audit_page(tx, AuditFilter(size=50, begin_time_us=1)).entries:
            assert stored.entry
    except AuditEntryBroken:
        pass


def _walk(tx: Transaction) -> Walk:
    walk = Walk()
    while not walk.over:
        walk = audit_chain.go_on(tx, walk)
    return walk


def _pruning(tx: Transaction) -> audit_retention.Pruned:
    (outcome,) = audit_retention.prune.apply(tx, [Prune(before_us=now_us() + HOUR_US)])
    assert isinstance(outcome, audit_retention.Pruned)
    return outcome


@pytest.mark.parametrize("column", ["actor", "entry", "hash"])
async def test_a_text_that_became_bytes_is_a_fault_though_it_reads_the_same(
    embedded: Storage, column: str
) -> None:
    await meddle(embedded, f"UPDATE audit_log SET {column} = CAST({column} AS BLOB) WHERE number = 3")
    if column == "actor":
        assert [each.number for each in await audited(embedded, actor="ada")] == [2, 4]
    fault = (await walked(embedded)).fault
    assert fault is not None
    assert fault.number == 3
