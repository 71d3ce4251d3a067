"""The audit log on every engine: who did what to what with which result, in an unbroken chain."""

import asyncio
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from storage import (
    agents,
    approvals,
    audit_chain,
    audit_retention,
    bids,
    disputes,
    limits,
    pauses,
    results,
    session_sweep,
    tasks,
    transcripts,
)
from storage.approvals import Ending
from storage.audit_chain import Anchor, FaultKind, Walk
from storage.audit_lists import AuditFilter
from storage.audit_lists import page as audit_page
from storage.audit_retention import Prune
from storage.deeds import ANONYMOUS, SYSTEM, Deed
from storage.disputes import Dispute
from storage.errors import AuditEntryBroken, Refusal
from storage.lifecycle import ApprovalStatus
from storage.outcome import mutation
from storage.pauses import ALL_SIGNERS, Pause
from storage.schema import AUDIT_NO_HASH
from storage.session_sweep import Sweep
from storage.sessions import NewSession
from storage.sessions import create as create_session
from storage.store import Storage
from storage.transcripts import Append
from tests.storage.auditing import ADA, audited, fault_of, meddle, walked
from tests.storage.conversation import an_entry, opened_session
from tests.storage.items import HOUR_US, NONCE, a_bid, a_result, a_reveal, a_task, an_agent, now_us
from tests.storage.looking import a_request, together
from tests.storage.market import Market
from tests.storage.test_approval_model import an_approval
from tests.storage.test_committer import POISON, register_or_raise

PRUNING = Deed(actor=SYSTEM, method="audit_retention.prune")
DISPUTING = Deed(actor="ada", method="OrchestratorService/DisputeTask")


async def _some_entries(storage: Storage, count: int, *, first: int = 0) -> None:
    names = (f"agent-{number:03}" for number in range(first, first + count))
    await asyncio.gather(*(storage.commit(agents.register, an_agent(name), deed=ADA) for name in names))


async def _full_life(storage: Storage) -> None:
    """A task from its creation to its settlement, with two refusals on its way."""

    async def do(method: str, doing: Any, item: Any) -> Any:
        return await storage.commit(doing, item, deed=Deed(actor="ada", method=method))

    await do("RegisterAgent", agents.register, an_agent())
    task = (await do("CreateTask", tasks.create, a_task())).record
    await do("SubmitBid", bids.submit, a_bid(task))
    with pytest.raises(Refusal):
        await do("SubmitBid", bids.submit, a_bid(task))
    await do("CloseBidding", tasks.close_bidding, task.task_id)
    with pytest.raises(Refusal):
        await do("RevealBid", bids.reveal, a_reveal(task, value=5))
    await do("RevealBid", bids.reveal, a_reveal(task))
    await do("AllocateTask", tasks.allocate, task.task_id)
    await do("SubmitResult", results.submit, a_result(task))
    await do("SettleTask", tasks.settle, task.task_id)


async def test_a_full_life_leaves_a_chain_that_verifies(local: Storage) -> None:
    await _full_life(local)
    stored = await audited(local)
    told = [(each.entry.method, each.entry.target_type, each.entry.result) for each in stored]
    assert told == [
        ("RegisterAgent", "agent", "ok"),
        ("CreateTask", "task", "ok"),
        ("SubmitBid", "bid", "ok"),
        ("SubmitBid", "task", "DUPLICATE_BID"),
        ("CloseBidding", "task", "ok"),
        ("RevealBid", "bid", "COMMITMENT_MISMATCH"),
        ("RevealBid", "bid", "ok"),
        ("AllocateTask", "task", "ok"),
        ("SubmitResult", "result", "ok"),
        ("SettleTask", "task", "ok"),
    ]
    walk = await walked(local)
    assert (walk.fault, walk.position, walk.hash) == (None, 10, stored[-1].hash)


async def test_anybody_can_compute_the_hashes_with_sha256(local: Storage) -> None:
    await _full_life(local)
    previous = AUDIT_NO_HASH
    for number, stored in enumerate(await audited(local), start=1):
        assert stored.entry.number == number
        assert stored.previous_hash == previous
        previous = sha256(f"{previous}{stored.canonical.decode()}".encode()).hexdigest()
        assert stored.hash == previous


async def test_the_bytes_of_an_entry_are_as_they_were_ever(local: Storage) -> None:
    """A change of the format would break every chain that stands."""
    receipt = await local.commit(agents.register, an_agent('a"\\é'), deed=ADA)
    (stored,) = await audited(local)
    expected = (
        f'{{"number":1,"time_us":{receipt.record.create_time_us},"actor":"ada","method":"Service/Method",'
        '"target_type":"agent","target_id":"a\\"\\\\é","result":"ok","status":"active",'
        f'"trace_id":"{"ab" * 16}","correlation_id":"","counts":{{}},"subject":""}}'
    )
    assert stored.canonical.decode() == expected


async def test_entries_of_before_there_were_subjects_are_read_and_verified_on(local: Storage) -> None:
    await _some_entries(local, 3)
    previous = AUDIT_NO_HASH
    for stored in await audited(local):
        old = stored.canonical.replace(b',"subject":""}', b"}")
        previous = sha256(previous.encode() + old).hexdigest()
        await meddle(
            local,
            "UPDATE audit_log SET entry = :entry, hash = :hash WHERE number = :number",
            entry=old.decode(),
            hash=previous,
            number=stored.number,
        )
    await meddle(local, "UPDATE database_state SET audit_hash = :hash", hash=previous)
    await local.commit(approvals.request, an_approval(requested_by="planner"), deed=ADA)
    assert [(await walked(local)).position, await fault_of(local)] == [4, None]
    found = await audited(local)
    assert [b"subject" in stored.canonical for stored in found] == [False, False, False, True]
    assert [stored.entry.subject for stored in found] == ["", "", "", "planner"]
    pruned = await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=3), deed=PRUNING)
    assert (pruned.count, await fault_of(local)) == (3, None)


async def test_an_entry_names_the_extrinsic_that_was_asked_for(chained: Storage) -> None:
    receipt = await chained.commit(agents.register, an_agent(), deed=ADA)
    (stored,) = await audited(chained)
    assert stored.entry.correlation_id == receipt.correlation_id != ""


async def test_counts_are_told_and_contents_never(local: Storage) -> None:
    secret = "the prompt nobody shall read"
    created = await local.commit(create_session, NewSession(role="clerk"), deed=ADA)
    entries = tuple(an_entry(content=secret) for _ in range(3))
    session_id = created.session.session_id
    await local.commit(transcripts.append, Append(session_id=session_id, entries=entries), deed=ADA)
    await local.commit(transcripts.append, Append(session_id=session_id, entries=()), deed=ADA)  # a no-op
    stored = await audited(local)
    assert [each.entry.counts for each in stored] == [{}, {"entries": 3}]
    assert not [each for each in stored if secret.encode() in each.canonical]


async def test_sealed_values_and_nonces_are_not_in_it(local: Storage) -> None:
    await local.commit(agents.register, an_agent(), deed=ADA)
    task = (await local.commit(tasks.create, a_task(max_budget=10**30), deed=ADA)).record
    value = 987_654_321_987_654
    await local.commit(bids.submit, a_bid(task, value=value), deed=ADA)
    await local.commit(tasks.close_bidding, task.task_id, deed=ADA)
    for reveal in (a_reveal(task, value=value, nonce=b"x" * 32), a_reveal(task, value=value)):
        with_or_without = local.commit(bids.reveal, reveal, deed=ADA)
        await asyncio.gather(with_or_without, return_exceptions=True)
    everything = b"".join(each.canonical for each in await audited(local))
    assert len(await audited(local)) == 6
    for secret in (str(value).encode(), NONCE, NONCE.hex().encode(), value.to_bytes(16, "big")):
        assert secret not in everything


async def test_a_repeated_request_is_one_deed_and_a_reused_id_is_refused_on_the_record(
    local: Storage,
) -> None:
    request = a_request("once")
    for _ in range(2):
        await local.commit(tasks.create, a_task(), request=request, deed=ADA)
    twins = (local.commit(tasks.create, a_task(), request=a_request("twin"), deed=ADA) for _ in range(2))
    await together(local, *twins)
    with pytest.raises(Refusal):
        await local.commit(tasks.create, a_task(), request=a_request("once", b"other"), deed=ADA)
    found = [each.entry.result for each in await audited(local)]
    assert found == ["ok", "ok", "REQUEST_ID_REUSED"]


async def test_who_brings_no_deed_and_who_is_poisoned_leave_no_entry(local: Storage) -> None:
    names = ["a", f"{POISON}-1", "b", "c", f"{POISON}-2"]
    await together(
        local,
        *(local.commit(register_or_raise, name, deed=ADA) for name in names),
        local.commit(agents.register, an_agent("quiet")),
    )
    assert [each.entry.number for each in await audited(local)] == [1, 2, 3]
    assert await fault_of(local) is None


@mutation(int)
def count_rows(tx: Any, items: Any) -> Any:
    return list(items)


async def test_a_sweep_has_an_entry_for_each_entity_that_it_moved(local: Storage) -> None:
    ids = [(await opened_session(local)).session.session_id for _ in range(2)]
    due = [await local.commit(approvals.request, an_approval(time_to_live_us=0)) for _ in range(2)]
    now = Sweep(retention_us=0, purge_us=HOUR_US, at_most=5)
    await local.commit(session_sweep.sweep, now, deed=ADA)
    await local.commit(session_sweep.sweep, msgspec.structs.replace(now, purge_us=0), deed=ADA)
    await local.commit(approvals.sweep, 5, deed=ADA)
    found = [stored.entry for stored in await audited(local)]
    assert [(each.target_type, each.status) for each in found] == [
        ("session", "expired"),
        ("session", "expired"),
        ("session", "deleted"),
        ("session", "deleted"),
        ("approval", "expired"),
        ("approval", "expired"),
    ]
    assert {each.target_id for each in found} == {*ids, *(approval.approval_id for approval in due)}


async def test_the_decision_of_an_approval_is_told(local: Storage) -> None:
    for status in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED):
        asked = await local.commit(approvals.request, an_approval())
        ending = Ending(approval_id=asked.approval_id, status=status, decided_by="grace")
        await local.commit(approvals.end, ending, deed=ADA)
    assert [stored.entry.status for stored in await audited(local)] == ["approved", "rejected"]


async def test_whom_the_caller_named_is_told_of_an_approval_also_if_they_were_refused(local: Storage) -> None:
    secret = "what they think about it"
    asked = await local.commit(approvals.request, an_approval(requested_by="planner"), deed=ADA)
    for by in ("grace", "hedy"):
        ending = Ending(
            approval_id=asked.approval_id, status=ApprovalStatus.REJECTED, decided_by=by, notes=secret
        )
        await asyncio.gather(local.commit(approvals.end, ending, deed=ADA), return_exceptions=True)
    stored = await audited(local)
    assert [(each.entry.subject, each.entry.result) for each in stored] == [
        ("planner", "ok"),
        ("grace", "ok"),
        ("hedy", "APPROVAL_NOT_PENDING"),
    ]
    assert not [each for each in stored if secret.encode() in each.canonical]


async def test_whom_the_caller_named_is_told_of_a_pause(chained: Storage) -> None:
    for signer in ("ops", ALL_SIGNERS):
        await chained.commit(pauses.pause, Pause(signer=signer, reason="a reason"), deed=ADA)
    await chained.commit(pauses.resume, "ops", deed=ADA)
    stored = await audited(chained)
    assert [(each.entry.subject, each.entry.counts["pauses"]) for each in stored] == [
        ("ops", 1),
        ("", 2),
        ("ops", 1),
    ]
    assert not [each for each in stored if b"a reason" in each.canonical]


async def test_whom_the_caller_named_is_told_of_a_dispute(market: Market) -> None:
    await market.agents()
    task = await market.assigned_task()
    for agent_id in ("bob", "eve", ""):
        dispute = Dispute(task_id=task.task_id, agent_id=agent_id, reason="late")
        disputing = market.storage.commit(disputes.raise_, dispute, deed=DISPUTING)
        await asyncio.gather(disputing, return_exceptions=True)
    stored = await audited(market.storage, method=DISPUTING.method)
    assert [each.entry.subject for each in stored] == ["bob", "eve", ""]


async def test_a_sweep_that_found_nothing_leaves_no_entry(local: Storage) -> None:
    for found in (0, 3):
        await local.commit(count_rows, found, deed=Deed(actor=SYSTEM, method=count_rows.name))
    ((entry),) = [each.entry for each in await audited(local)]
    assert (entry.actor, entry.method, entry.counts) == ("system", "test_audit.count_rows", {"rows": 3})


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
    await _some_entries(local, 10)
    await meddle(local, f"{statement} WHERE number = 5")
    assert await fault_of(local) == (5, kind)


async def test_one_bit_of_any_byte_is_noticed(local: Storage) -> None:
    await _some_entries(local, 3)
    original = (await audited(local))[1].canonical
    for place in range(0, len(original), 7):
        changed = bytearray(original)
        changed[place] ^= 1
        await meddle(local, "UPDATE audit_log SET entry = :entry WHERE number = 2", entry=changed.decode())
        assert await fault_of(local) == (2, FaultKind.CHANGED)
    await meddle(local, "UPDATE audit_log SET entry = :entry WHERE number = 2", entry=original.decode())
    assert await fault_of(local) is None


async def test_two_entries_cannot_change_places(local: Storage) -> None:
    await _some_entries(local, 10)
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        await meddle(local, "UPDATE audit_log SET number = :new WHERE number = :old", old=old, new=new)
    assert await fault_of(local) == (4, FaultKind.CHANGED)


async def test_a_forged_entry_breaks_the_link_to_the_next(local: Storage) -> None:
    await _some_entries(local, 10)
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
    await _some_entries(local, 10)
    await meddle(local, "DELETE FROM audit_log WHERE number > 7")
    assert await fault_of(local) == (8, FaultKind.TRUNCATED)


async def test_an_end_that_is_cut_off_with_its_head_is_noticed_by_who_kept_the_hash(local: Storage) -> None:
    await _some_entries(local, 10)
    anchor = Anchor(number=10, hash=(await walked(local)).hash)
    assert await fault_of(local, anchor) is None
    seventh = (await audited(local))[6].hash
    await meddle(local, "DELETE FROM audit_log WHERE number > 7")
    await meddle(local, "UPDATE database_state SET audit_head = 7, audit_hash = :hash", hash=seventh)
    assert await fault_of(local) is None
    assert await fault_of(local, anchor) == (10, FaultKind.TRUNCATED)
    await _some_entries(local, 20, first=10)
    assert await fault_of(local, anchor) == (10, FaultKind.ANCHOR_MISMATCH)


async def test_an_entry_outside_of_the_chain_is_noticed(local: Storage) -> None:
    await _some_entries(local, 3)
    await meddle(local, "UPDATE database_state SET audit_head = 2")
    assert await fault_of(local) == (3, FaultKind.UNCHAINED)


async def test_another_head_is_noticed(local: Storage) -> None:
    await _some_entries(local, 3)
    await meddle(local, "UPDATE database_state SET audit_hash = :hash", hash="0" * 64)
    assert await fault_of(local) == (3, FaultKind.CHANGED)


async def test_an_empty_log_is_whole(local: Storage) -> None:
    assert await walked(local) == Walk(begun=True, hash=AUDIT_NO_HASH, end_hash=AUDIT_NO_HASH)


async def test_a_broken_entry_says_so_when_it_is_read(local: Storage) -> None:
    await _some_entries(local, 3)
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
    await _some_entries(local, 10)
    walk = await local.read(audit_chain.go_on, Walk())
    assert (walk.position, walk.over) == (4, False)
    await local.commit(agents.register, an_agent("late"), deed=ADA)
    while not walk.over:
        walk = await local.read(audit_chain.go_on, walk)
    assert (walk.position, walk.fault) == (10, None)


class TestPruning:
    async def test_leaves_a_checkpoint_at_which_the_walk_begins(self, local: Storage) -> None:
        await _some_entries(local, 10)
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

    async def test_goes_on_where_it_left_off_and_keeps_what_is_young(self, local: Storage) -> None:
        await _some_entries(local, 5)
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
        await _some_entries(local, 10)
        fifth = (await audited(local))[4].hash
        await meddle(local, "DELETE FROM audit_log WHERE number <= 5")
        assert await fault_of(local) == (1, FaultKind.MISSING)
        await meddle(local, "UPDATE database_state SET audit_tail = 5, audit_tail_hash = :hash", hash=fifth)
        assert await fault_of(local) == (5, FaultKind.CHECKPOINT_MISSING)

    async def test_does_not_wipe_out_the_traces_of_a_change(self, local: Storage) -> None:
        await _some_entries(local, 10)
        await meddle(local, "UPDATE audit_log SET actor = 'eve' WHERE number = 3")
        pruned = await local.commit(audit_retention.prune, Prune(before_us=now_us() + HOUR_US), deed=PRUNING)
        assert pruned.count == 0
        assert pruned.fault is not None
        assert pruned.fault.number == 3
        assert len(await audited(local)) == 10

    async def test_under_a_walk_is_passed_over(self, local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "AUDIT_PAGE_MAX", 3)
        await _some_entries(local, 10)
        walk = await local.read(audit_chain.go_on, Walk())
        await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=8), deed=PRUNING)
        while not walk.over:
            walk = await local.read(audit_chain.go_on, walk)
        assert (walk.fault, walk.tail, walk.position) == (None, 8, 11)


async def test_entries_are_found_by_all_that_they_are_about(local: Storage) -> None:
    other = Deed(actor="bob", method="Service/Other", trace_id="cd" * 16)
    await local.commit(agents.register, an_agent("a"), deed=ADA)
    begin = (await audited(local))[-1].entry.time_us + 1
    await asyncio.sleep(0.001)
    await local.commit(tasks.create, a_task(), deed=other)
    await local.commit(agents.register, an_agent("b"), deed=other)
    for wanted, numbers in (
        ({}, [1, 2, 3]),
        ({"actor": "ada"}, [1]),
        ({"method": "Service/Other"}, [2, 3]),
        ({"target_type": "agent"}, [1, 3]),
        ({"target_id": "b"}, [3]),
        ({"trace_id": "cd" * 16}, [2, 3]),
        ({"trace_id": "cd" * 16, "target_type": "task"}, [2]),
        ({"begin_time_us": begin}, [2, 3]),
        ({"end_time_us": begin}, [1]),
        ({"begin_time_us": now_us() + HOUR_US}, []),
        ({"end_time_us": 0}, []),
        ({"actor": "eve"}, []),
    ):
        assert [each.entry.number for each in await audited(local, **wanted)] == numbers


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages_lead_through_all_entries_once(local: Storage, newest_first: bool) -> None:
    await _some_entries(local, 10)
    pages = await _pages(local, size=3, newest_first=newest_first)
    numbers = [number for page in pages for number in page]
    assert numbers == sorted(range(1, 11), reverse=newest_first)
    assert len(pages) == 4


async def _pages(storage: Storage, **wanted: Any) -> list[list[int]]:
    """The numbers of the entries of each page."""
    pages = []
    after = None
    while True:
        page = await storage.read(audit_page, AuditFilter(after=after, **wanted))
        assert all(each.previous_hash for each in page.entries)
        pages.append([each.number for each in page.entries])
        if page.next_after is None:
            return pages
        after = page.next_after


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_looks_at_so_many_entries_and_the_next_goes_on(
    local: Storage, newest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_SCAN_MAX", 4)
    anonymous = Deed(actor=ANONYMOUS, method="Service/Other")
    deeds = {number: anonymous if number in (1, 6, 7) else ADA for number in range(1, 11)}
    for number, deed in deeds.items():
        if number in (2, 9):
            await local.commit(tasks.create, a_task(), deed=deed)
        else:
            await local.commit(agents.register, an_agent(f"agent-{number}"), deed=deed)

    async def pages(**wanted: Any) -> list[list[int]]:
        return await _pages(local, size=2, newest_first=newest_first, **wanted)

    expected: list[tuple[dict[str, str], list[list[int]], list[list[int]]]] = [
        ({"target_type": "task"}, [[2], [], [9]], [[9], [], [2]]),
        ({"target_type": "bid"}, [[], [], []], [[], [], []]),
        ({"actor": ANONYMOUS}, [[1], [6, 7], []], [[7], [6], [1]]),
        ({"actor": "ada", "target_type": "task"}, [[2], [9]], [[9], [2]]),
        ({"method": "Service/Other", "target_type": "agent"}, [[1], [6, 7], []], [[7], [6], [1]]),
        ({"actor": "ada"}, [[2, 3], [4, 5], [8, 9], [10]], [[10, 9], [8, 5], [4, 3], [2]]),
        ({"target_id": "agent-3", "target_type": "agent"}, [[3]], [[3]]),
    ]
    for wanted, oldest, newest in expected:
        assert await pages(**wanted) == (newest if newest_first else oldest), wanted


async def test_times_never_go_back_even_if_a_clock_does(local: Storage) -> None:
    await _some_entries(local, 2)
    future = now_us() + HOUR_US
    await meddle(local, "UPDATE database_state SET audit_time_us = :time_us", time_us=future)
    await local.commit(agents.retire, "agent-000", deed=ADA)
    assert (await audited(local))[-1].entry.time_us == future
    assert await fault_of(local) is None
