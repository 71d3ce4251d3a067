"""The chain of the audit log, on every engine: what is meddled with is named, and pruning is signed for."""

from hashlib import sha256

import msgspec
import pytest

from storage import limits
from storage.audit import chain as audit_chain
from storage.audit import retention as audit_retention
from storage.audit.chain import Anchor, FaultKind, Walk
from storage.audit.retention import Prune
from storage.errors import AuditEntryBroken
from storage.market import agents
from storage.schema import AUDIT_NO_HASH
from storage.store import Storage
from tests.storage.auditing import ADA, PRUNING, audited, fault_of, meddle, some_entries, walked
from tests.storage.items import HOUR_US, an_agent, now_us


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE audit_log SET entry = replace(entry, 'agent-004', 'agent-007')", FaultKind.CHANGED),
        ("UPDATE audit_log SET actor = 'eve'", FaultKind.CHANGED),
        ("UPDATE audit_log SET time_us = time_us + 1", FaultKind.CHANGED),
        ("UPDATE audit_log SET target_id = 'agent-001'", FaultKind.CHANGED),
        ("UPDATE audit_log SET hash = replace(hash, substr(hash, 1, 1), 'x')", FaultKind.CHANGED),
        ("DELETE FROM audit_log", FaultKind.MISSING),
    ],
)
async def test_the_walk_names_the_entry_that_somebody_changed(
    local: Storage, statement: str, kind: FaultKind
) -> None:
    await some_entries(local, 10)
    await meddle(local, f"{statement} WHERE number = 5")
    assert await fault_of(local) == (5, kind)


async def test_one_bit_of_any_byte_is_noticed(local: Storage) -> None:
    await some_entries(local, 3)
    original = (await audited(local))[1].canonical
    for place in range(0, len(original), 7):
        changed = bytearray(original)
        changed[place] ^= 1
        await meddle(local, "UPDATE audit_log SET entry = :entry WHERE number = 2", entry=changed.decode())
        assert await fault_of(local) == (2, FaultKind.CHANGED)
    await meddle(local, "UPDATE audit_log SET entry = :entry WHERE number = 2", entry=original.decode())
    assert await fault_of(local) is None


async def test_two_entries_cannot_change_places(local: Storage) -> None:
    await some_entries(local, 10)
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        await meddle(local, "UPDATE audit_log SET number = :new WHERE number = :old", old=old, new=new)
    assert await fault_of(local) == (4, FaultKind.CHANGED)


async def test_a_forged_entry_breaks_the_link_to_the_next(local: Storage) -> None:
    await some_entries(local, 10)
    stored = (await audited(local))[4]
    forged = msgspec.json.encode(msgspec.structs.replace(stored.entry, result="REFUSED"))
    digest = sha256(stored.previous_hash.encode() + forged).hexdigest()
    await meddle(
        local,
        "UPDATE audit_log SET entry = :entry, hash = :hash WHERE number = 5",
        entry=forged.decode(),
        hash=digest,
    )
    assert await fault_of(local) == (6, FaultKind.CHANGED)


async def test_a_cut_off_end_is_noticed(local: Storage) -> None:
    await some_entries(local, 10)
    await meddle(local, "DELETE FROM audit_log WHERE number > 7")
    assert await fault_of(local) == (8, FaultKind.TRUNCATED)


async def test_an_end_that_is_cut_off_with_its_head_is_noticed_by_who_kept_the_hash(local: Storage) -> None:
    await some_entries(local, 10)
    anchor = Anchor(number=10, hash=(await walked(local)).hash)
    assert await fault_of(local, anchor) is None
    seventh = (await audited(local))[6].hash
    await meddle(local, "DELETE FROM audit_log WHERE number > 7")
    time_us = "(SELECT time_us FROM audit_log WHERE number = 7)"
    head = f"audit_head = 7, audit_hash = :hash, audit_time_us = {time_us}"
    await meddle(local, f"UPDATE database_state SET {head}", hash=seventh)
    assert await fault_of(local) is None
    assert await fault_of(local, anchor) == (10, FaultKind.TRUNCATED)
    await some_entries(local, 20, first=10)
    assert await fault_of(local, anchor) == (10, FaultKind.ANCHOR_MISMATCH)


async def test_an_entry_outside_of_the_chain_is_noticed(local: Storage) -> None:
    await some_entries(local, 3)
    await meddle(local, "UPDATE database_state SET audit_head = 2")
    assert await fault_of(local) == (3, FaultKind.UNCHAINED)


async def test_another_head_is_noticed(local: Storage) -> None:
    await some_entries(local, 3)
    await meddle(local, "UPDATE database_state SET audit_hash = :hash", hash="0" * 64)
    assert await fault_of(local) == (3, FaultKind.CHANGED)


async def test_an_empty_log_is_whole(local: Storage) -> None:
    assert await walked(local) == Walk(begun=True, hash=AUDIT_NO_HASH, end_hash=AUDIT_NO_HASH)


async def test_a_broken_entry_says_so_when_it_is_read(local: Storage) -> None:
    await some_entries(local, 3)
    await meddle(local, "UPDATE audit_log SET entry = '{' WHERE number = 2")
    first, second, third = await audited(local)
    assert (first.entry.number, third.entry.number) == (1, 3)
    assert second.canonical == b"{"
    with pytest.raises(AuditEntryBroken, match="entry 2 "):
        second.entry  # noqa: B018 - reading it is the test


async def test_a_walk_takes_pages_and_what_is_written_meanwhile_does_not_disturb_it(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_PAGE_MAX", 4)
    await some_entries(local, 10)
    walk = await local.read(audit_chain.go_on, Walk())
    assert (walk.position, walk.over) == (4, False)
    await local.commit(agents.register, an_agent("late"), deed=ADA)
    while not walk.over:
        walk = await local.read(audit_chain.go_on, walk)
    assert (walk.position, walk.fault) == (10, None)


class TestPruning:
    async def test_leaves_a_checkpoint_at_which_the_walk_begins(self, local: Storage) -> None:
        await some_entries(local, 10)
        tenth = (await audited(local))[-1]
        await local.commit(agents.retire, "agent-000", deed=ADA)
        anchor = Anchor(number=11, hash=(await walked(local)).hash)
        pruned = await local.commit(
            audit_retention.prune, Prune(before_us=now_us(), at_most=10), deed=PRUNING
        )
        assert (pruned.count, pruned.tail, pruned.tail_hash) == (10, 10, tenth.hash)
        retired, checkpoint = await audited(local)
        assert retired.previous_hash == tenth.hash
        assert checkpoint.entry.actor == "system"
        assert checkpoint.entry.target_id == f"10:{tenth.hash}"
        assert checkpoint.entry.counts == {"entries": 10}
        walk = await walked(local, anchor)
        assert (walk.fault, walk.tail, walk.position) == (None, 10, 12)
        assert walk.anchor_checked

    async def test_goes_on_where_it_left_off_and_keeps_what_is_young(self, local: Storage) -> None:
        await some_entries(local, 5)
        old = now_us()
        await local.commit(agents.retire, "agent-000", deed=ADA)
        counts = []
        for _ in range(4):
            pruned = await local.commit(audit_retention.prune, Prune(before_us=old, at_most=2), deed=PRUNING)
            counts.append(pruned.count)
        assert counts == [2, 2, 1, 0]
        assert [each.entry.number for each in await audited(local)] == [6, 7, 8, 9]
        assert await fault_of(local) is None

    async def test_a_beginning_that_is_gone_without_a_signature_is_noticed(self, local: Storage) -> None:
        await some_entries(local, 10)
        fifth = (await audited(local))[4].hash
        await meddle(local, "DELETE FROM audit_log WHERE number <= 5")
        assert await fault_of(local) == (1, FaultKind.MISSING)
        await meddle(local, "UPDATE database_state SET audit_tail = 5, audit_tail_hash = :hash", hash=fifth)
        assert await fault_of(local) == (5, FaultKind.CHECKPOINT_MISSING)

    async def test_does_not_wipe_out_the_traces_of_a_change(self, local: Storage) -> None:
        await some_entries(local, 10)
        await meddle(local, "UPDATE audit_log SET actor = 'eve' WHERE number = 3")
        pruned = await local.commit(audit_retention.prune, Prune(before_us=now_us() + HOUR_US), deed=PRUNING)
        assert pruned.count == 0
        assert pruned.fault is not None
        assert pruned.fault.number == 3
        assert len(await audited(local)) == 10

    async def test_leaves_an_anchor_unchecked_unless_its_hash_is_kept(self, local: Storage) -> None:
        await some_entries(local, 10)
        hashes = {each.number: each.hash for each in await audited(local)}
        await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=7), deed=PRUNING)
        for number, checked in ((1, False), (6, False), (7, True), (8, True), (10, True)):
            walk = await walked(local, Anchor(number=number, hash=hashes[number]))
            assert (walk.fault, walk.anchor_checked) == (None, checked), number
        wrong = Anchor(number=7, hash="ab" * 32)
        assert await fault_of(local, wrong) == (7, FaultKind.ANCHOR_MISMATCH)
        assert not (await walked(local, wrong)).anchor_checked

    async def test_that_is_feigned_leaves_the_anchor_unchecked(self, local: Storage) -> None:
        await some_entries(local, 5)
        anchor = Anchor(number=5, hash=(await walked(local)).end_hash)
        await _make_anew(local, tail=anchor.number + 1)
        walk = await walked(local, anchor)
        assert (walk.fault, walk.tail, walk.position) == (None, 6, 7)
        assert not walk.anchor_checked

    async def test_under_a_walk_that_has_passed_the_anchor_leaves_it_unchecked(
        self, local: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "AUDIT_PAGE_MAX", 3)
        await some_entries(local, 10)
        anchor = Anchor(number=2, hash=(await audited(local))[1].hash)
        walk = await local.read(audit_chain.go_on, Walk(anchor=anchor))
        assert walk.anchor_checked
        await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=8), deed=PRUNING)
        while not walk.over:
            walk = await local.read(audit_chain.go_on, walk)
        assert (walk.fault, walk.anchor_checked) == (None, False)

    async def test_under_a_walk_is_passed_over(self, local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "AUDIT_PAGE_MAX", 3)
        await some_entries(local, 10)
        walk = await local.read(audit_chain.go_on, Walk())
        await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=8), deed=PRUNING)
        while not walk.over:
            walk = await local.read(audit_chain.go_on, walk)
        assert (walk.fault, walk.tail, walk.position) == (None, 8, 11)


async def _make_anew(storage: Storage, *, tail: int) -> None:
    """Put a log in the place of the log that says its entries up to `tail` were pruned."""
    tail_hash = "ab" * 32
    first, *_ = await audited(storage)
    target_id = f"{tail}:{tail_hash}"
    checkpoint = msgspec.structs.replace(
        first.entry, number=tail + 1, target_type=audit_chain.CHECKPOINT_TYPE, target_id=target_id
    )
    canonical = msgspec.json.encode(checkpoint, order="deterministic")
    head_hash = sha256(tail_hash.encode() + canonical).hexdigest()
    await meddle(storage, "DELETE FROM audit_log WHERE number > 1")
    await meddle(
        storage,
        "UPDATE audit_log SET number = :number, target_type = :type, target_id = :target, entry = :entry,"
        " hash = :hash",
        number=tail + 1,
        type=audit_chain.CHECKPOINT_TYPE,
        target=target_id,
        entry=canonical.decode(),
        hash=head_hash,
    )
    await meddle(
        storage,
        "UPDATE database_state SET audit_tail = :tail, audit_tail_hash = :tail_hash, audit_head = :head,"
        " audit_hash = :hash, audit_time_us = :time_us",
        tail=tail,
        tail_hash=tail_hash,
        head=tail + 1,
        hash=head_hash,
        time_us=checkpoint.time_us,
    )
