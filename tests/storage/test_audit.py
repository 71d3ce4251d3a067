"""What the audit log tells, on every engine: who did what to what with which result."""

import asyncio
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from storage.audit import retention as audit_retention
from storage.audit.deeds import Deed, SystemMethod, system_deed
from storage.audit.retention import Prune
from storage.batches import Rows
from storage.chain import pauses
from storage.chain.pauses import ALL_SIGNERS, Pause
from storage.errors import Refusal
from storage.lifecycle import ApprovalStatus
from storage.market import agents, bids, disputes, results, tasks
from storage.market.disputes import Dispute
from storage.outcome import mutation
from storage.schema import AUDIT_NO_HASH
from storage.sessions import approvals, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.approvals import Ending
from storage.sessions.sessions import NewSession
from storage.sessions.sessions import create as create_session
from storage.sessions.sweep import Sweep
from storage.sessions.transcripts import Append
from storage.store import Storage
from tests.storage.auditing import ADA, PRUNING, audited, fault_of, meddle, some_entries, walked
from tests.storage.conversation import an_entry, opened_session
from tests.storage.items import HOUR_US, NONCE, a_bid, a_result, a_reveal, a_task, an_agent, now_us
from tests.storage.looking import a_request, together
from tests.storage.market import Market
from tests.storage.test_approval_model import an_approval
from tests.storage.test_committer import POISON, register_or_raise

DISPUTING = Deed(actor="ada", method="OrchestratorService/DisputeTask")


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
    await some_entries(local, 3)
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


@mutation(Rows[int])
def count_rows(tx: Any, items: Any) -> Any:
    return [Rows.of(item, at_most=5) for item in items]


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
        await local.commit(count_rows, found, deed=system_deed(SystemMethod.PRUNE_EVENTS))
    ((entry),) = [each.entry for each in await audited(local)]
    assert (entry.actor, entry.method, entry.counts) == ("system", "System/PruneEvents", {"rows": 3})


async def test_times_never_go_back_even_if_a_clock_does(local: Storage) -> None:
    await some_entries(local, 2)
    future = now_us() + HOUR_US
    await meddle(local, "UPDATE database_state SET audit_time_us = :time_us", time_us=future)
    await local.commit(agents.retire, "agent-000", deed=ADA)
    assert (await audited(local))[-1].entry.time_us == future
    assert await fault_of(local) is None
