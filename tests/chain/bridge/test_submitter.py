"""What is sent, for whom, how often, and what is told of it when it cannot be."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from chain.balances import signer_balances
from chain.devnet.chain import ENDOWMENT_PLANCK
from chain.devnet.rpc import errors, protocol
from chain.keyring import Keyring
from chain.keys import load_signer
from chain.node import Node
from chain.rpc import ConnectionLost, RpcClient, RpcError
from chain.scale.errors import UnsupportedExtension
from chain.scale.runtime import Runtime
from chain.submitter import ERA_PERIOD_BLOCKS
from storage.chain import outbox, pauses, submission
from storage.chain.outbox import NewCall
from storage.chain.pauses import ALL_SIGNERS, Pause
from storage.chain.submission import AccountState
from storage.lifecycle import ExtrinsicStatus
from storage.outcome import Mutation
from storage.records import Extrinsic, Receipt
from storage.store import Storage
from tests.support.world import World, eventually

BOB = "did:dev:bob"
POOR = "did:ex:poor"
CANNOT_PAY = RpcError(
    1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)"
)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("chain.submitter.LEASE_SECONDS", 0.5)
    monkeypatch.setattr("chain.sender.RESEND_SECONDS", 0.2)
    async with World.open() as world:
        yield world


async def remark(world: World, signer: str = "", text: str = "0x00") -> Receipt[Extrinsic]:
    call = NewCall(pallet="System", call="remark", payload=f'{{"remark":"{text}"}}', signer=signer)
    return await world.storage.commit(outbox.enqueue_call, call)


async def remarks(world: World, count: int, signer: str = "") -> list[Receipt[Extrinsic]]:
    return [await remark(world, signer, f"0x{number:04x}") for number in range(count)]


async def is_told(world: World, receipt: Receipt[Any], words: str) -> Extrinsic:
    async def look() -> Extrinsic | None:
        found = await world.extrinsic(receipt)
        return found if words in found.last_error else None

    return await eventually(look, words)


async def reaches(world: World, status: ExtrinsicStatus, *receipts: Receipt[Any]) -> None:
    async def look() -> bool:
        return all([(await world.extrinsic(each)).status == status for each in receipts])

    await eventually(look, status)


def count_sends(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All bytes that are handed to the node from now on."""
    sent: list[bytes] = []
    submit = Node.submit

    async def counted(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        sent.extend(extrinsics)
        return await submit(node, extrinsics)

    monkeypatch.setattr(Node, "submit", counted)
    return sent


class TestFunds:
    async def test_an_account_that_cannot_pay_is_told_with_what_it_has_and_sent_for_when_it_has_more(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.submitter.FUNDS_SECONDS", 0.05)
        poor = load_signer("//Poor")
        keyring = Keyring(load_signer("//Alice"), {POOR: poor})
        first = await remark(world, POOR, "0x01")
        async with world.bridged(keyring=keyring):
            told = await is_told(world, first, f"account {poor.address()} cannot pay: it has 0 free")
            assert told.status == ExtrinsicStatus.SIGNED
            second = await remark(world, POOR, "0x02")
            waiting = await is_told(world, second, "cannot pay: it has 0 free")
            assert waiting.status == ExtrinsicStatus.QUEUED
            await world.succeeded(await remark(world))  # another account is not held up
            gift = {"dest": poor.account, "value": 10**12}
            await world.foreign_call("Balances", "transfer_keep_alive", gift, "//Bob")
            await world.succeeded(first, second)
        assert [(await world.extrinsic(each)).attempt_count for each in (first, second)] == [1, 1]

    async def test_want_of_funds_never_counts_as_an_attempt(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
            return [CANNOT_PAY] * len(extrinsics)

        receipt = await remark(world)
        async with world.bridged(attempts_max=1):
            with monkeypatch.context() as poverty:
                poverty.setattr(Node, "submit", refuse)
                await is_told(world, receipt, "cannot pay")
                world.chain.seal(ERA_PERIOD_BLOCKS + 5)
                await reaches(world, ExtrinsicStatus.QUEUED, receipt)
                assert (await world.extrinsic(receipt)).attempt_count == 0

    async def test_balances_of_accounts_are_read_at_the_best_block(self, world: World) -> None:
        accounts = [load_signer(secret).account for secret in ("//Alice", "//Poor")]
        await world.foreign_call("System", "remark", {"remark": b""})
        async with RpcClient(world.node.url) as client:
            alice, poor = await signer_balances(Node(client), accounts)
        assert (alice.nonce, alice.low) == (1, False)
        assert 0 < alice.free <= ENDOWMENT_PLANCK
        assert (poor.account, poor.nonce, poor.free, poor.low) == (accounts[1], 0, 0, True)


class TestAccounts:
    async def test_one_whose_extrinsics_are_stuck_leaves_room_for_the_others(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.submitter.LIVE_MAX", 20)
        monkeypatch.setattr("chain.submitter.CLAIM_MAX", 5)
        bob = load_signer("//Bob").account
        submit = Node.submit

        async def swallow_those_of_bob(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
            await submit(node, [raw for raw in extrinsics if bob not in raw])
            return [None] * len(extrinsics)

        monkeypatch.setattr(Node, "submit", swallow_those_of_bob)
        stuck = await remarks(world, 40, BOB)
        others = await remarks(world, 30)
        async with world.bridged():
            await world.succeeded(*others)
        assert not [
            each for each in stuck if (await world.extrinsic(each)).status == ExtrinsicStatus.FINALIZED
        ]

    async def test_sign_side_by_side_each_with_its_own_nonces(self, world: World) -> None:
        receipts = {name: await remarks(world, 5, name) for name in ("", BOB, "did:dev:charlie")}
        async with world.bridged():
            await world.succeeded(*(each for some in receipts.values() for each in some))
        for some in receipts.values():
            assert sorted([(await world.extrinsic(each)).nonce or 0 for each in some]) == [0, 1, 2, 3, 4]


class TestSending:
    async def test_what_a_node_has_is_not_sent_again_but_for_the_first_in_line(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.chain.pause_sealing()
        receipts = await remarks(world, 20)
        async with world.bridged():
            await reaches(world, ExtrinsicStatus.SUBMITTED, *receipts)
            sent = count_sends(monkeypatch)

            async def probed() -> bool:
                return len(sent) >= 3

            await eventually(probed, "three probes")
            assert len(set(sent)) == 1
            world.chain.resume_sealing()
            await world.succeeded(*receipts)

    async def test_a_pool_that_lost_everything_gets_everything_again_lowest_nonce_first(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.chain.pause_sealing()
        receipts = await remarks(world, 20)
        async with world.bridged():
            await reaches(world, ExtrinsicStatus.SUBMITTED, *receipts)
            before = [(await world.extrinsic(each)).extrinsic_hash for each in receipts]
            sent = count_sends(monkeypatch)
            assert world.chain.clear_pool() == 20

            async def refilled() -> bool:
                return len(world.chain.pending()) == 20

            await eventually(refilled, "the pool")
            nonces = [transaction.nonce for transaction in world.chain.pending()]
            assert nonces == list(range(20))
            assert sent[0] == world.chain.pending()[0].raw
            world.chain.resume_sealing()
            await world.succeeded(*receipts)
            assert [(await world.extrinsic(each)).extrinsic_hash for each in receipts] == before

    async def test_that_something_is_in_a_block_is_told_again_after_a_question_that_failed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.inclusion.PAUSE_SECONDS", 0.01)
        ask, failed = Node.extrinsic_hashes, asyncio.Event()

        async def fail_once(node: Node, block_hash: bytes) -> frozenset[bytes]:
            if not failed.is_set():
                failed.set()
                raise RpcError(-32603, "Internal error")
            return await ask(node, block_hash)

        monkeypatch.setattr(Node, "extrinsic_hashes", fail_once)
        world.chain.pause_finality()
        async with world.bridged():
            await remark(world)
            await failed.wait()
            await reaches(world, ExtrinsicStatus.IN_BLOCK, await remark(world))

    async def test_what_emptied_its_account_is_not_executed_again_when_the_account_has_money_anew(
        self, world: World
    ) -> None:
        """An account that ceases to exist loses its nonce, so the same bytes would be valid once more."""
        alice, bob = load_signer("//Alice").account, load_signer("//Bob").account
        world.chain.pause_finality()
        everything = f'{{"dest":"0x{alice.hex()}","keep_alive":false}}'
        call = NewCall(pallet="Balances", call="transfer_all", payload=everything, signer=BOB)
        receipt = await world.storage.commit(outbox.enqueue_call, call)
        async with world.bridged():

            async def emptied() -> bool:
                return world.chain.account(bob).data.free == 0

            await eventually(emptied, "the transfer")
            # As a node has it that never had the bytes in its pool: nodes ban what they saw executed.
            extrinsic_hash = (await world.extrinsic(receipt)).extrinsic_hash
            world.chain.lift_ban(extrinsic_hash)
            world.submit_foreign_call(
                "Balances", "transfer_keep_alive", {"dest": bob, "value": ENDOWMENT_PLANCK // 2}
            )
            last = world.chain.best.number + 40

            async def passed() -> bool:
                return world.chain.best.number >= last

            await eventually(passed, "many blocks")
            assert world.chain.account(bob).data.free == ENDOWMENT_PLANCK // 2
            world.chain.resume_finality()
            await world.succeeded(receipt)
        assert world.times_executed(extrinsic_hash) == 1

    async def test_sending_again_serves_all_accounts_by_turns(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.sender.RESEND_MAX", 1)
        bob, submit, lost = load_signer("//Bob").account, Node.submit, list[bytes]()

        async def faulty(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
            """No room for those of Bob, who has the lower nonces; the first of Alice is lost."""
            mine = [raw for raw in extrinsics if bob not in raw]
            if mine and not lost:
                lost.append(mine.pop(0))
            await submit(node, mine)
            return [RpcError(1016, "Immediately Dropped") if bob in raw else None for raw in extrinsics]

        async with world.bridged():
            await world.succeeded(*await remarks(world, 60))
            world.chain.pause_sealing()
            monkeypatch.setattr(Node, "submit", faulty)
            stuck = await remarks(world, 60, BOB)
            await is_told(world, stuck[-1], "Immediately Dropped")
            receipt = await remark(world, text="0x0777")

            async def arrived() -> bool:
                return [transaction.raw for transaction in world.chain.pending()] == lost != []

            await eventually(arrived, "what was lost", within_seconds=20.0)
            world.chain.resume_sealing()
            await world.succeeded(receipt)

    async def test_the_next_are_signed_while_those_before_are_being_sent(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.submitter.CLAIM_MAX", 2)
        release, submit = asyncio.Event(), Node.submit

        async def slow(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
            await release.wait()
            return await submit(node, extrinsics)

        monkeypatch.setattr(Node, "submit", slow)
        receipts = await remarks(world, 6)
        async with world.bridged():
            await reaches(world, ExtrinsicStatus.SIGNED, *receipts)
            release.set()
            await world.succeeded(*receipts)

    async def test_a_full_pool_is_no_failed_attempt(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def full(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
            return [RpcError(1016, "Immediately Dropped")] * len(extrinsics)

        receipt = await remark(world)
        async with world.bridged(attempts_max=1):
            with monkeypatch.context() as crowd:
                crowd.setattr(Node, "submit", full)
                await is_told(world, receipt, "Immediately Dropped")
                world.chain.seal(ERA_PERIOD_BLOCKS + 5)
            await world.succeeded(receipt)

    @pytest.mark.parametrize("calls_max", [0, 1, 3])
    async def test_a_node_that_takes_no_large_batches_is_sent_smaller_ones(
        self, world: World, monkeypatch: pytest.MonkeyPatch, calls_max: int
    ) -> None:
        refused = list[int]()

        def refusal(limit: int) -> errors.RpcError:
            refused.append(limit)
            code = -32010 if limit else -32005  # too large, or none at all
            return errors.RpcError(code, "The batch request was too large")

        monkeypatch.setattr(protocol, "BATCH_CALLS_MAX", calls_max)
        monkeypatch.setattr(protocol, "batch_too_big", refusal)
        receipts = await remarks(world, 6)
        async with world.bridged():
            await world.succeeded(*receipts)
        assert refused

    async def test_the_loser_of_a_race_for_nonces_lets_go_what_it_claimed_at_once(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chain.submitter.LEASE_SECONDS", 3600.0)
        read, lost = submission.account_states, list[str]()

        def late(tx: Any, addresses: Sequence[str]) -> dict[str, AccountState]:
            states = read(tx, addresses)
            if lost:
                return states
            lost.extend(addresses)
            return {
                address: AccountState(epoch=state.epoch - 1, live_nonces=state.live_nonces)
                for address, state in states.items()
            }

        monkeypatch.setattr(submission, "account_states", late)
        receipts = await remarks(world, 3)
        async with world.bridged():
            await world.succeeded(*receipts)
        assert lost


class TestPausing:
    async def test_stops_the_signing_and_resuming_goes_on(self, world: World) -> None:
        await world.storage.commit(pauses.pause, Pause(signer=ALL_SIGNERS, reason="maintenance"))
        receipt = await remark(world)
        async with world.bridged():
            world.chain.seal(20)
            await world.foreign_call("System", "remark", {"remark": b"time passes"}, "//Eve")
            assert (await world.extrinsic(receipt)).status == ExtrinsicStatus.QUEUED
            await world.storage.commit(pauses.resume, ALL_SIGNERS)
            await world.succeeded(receipt)

    async def test_of_one_signer_does_not_stop_the_others(self, world: World) -> None:
        await world.storage.commit(pauses.pause, Pause(signer=BOB))
        paused, free = await remark(world, BOB), await remark(world)
        async with world.bridged():
            await world.succeeded(free)
            assert (await world.extrinsic(paused)).status == ExtrinsicStatus.QUEUED
            await world.storage.commit(pauses.resume, BOB)
            await world.succeeded(paused)


async def test_a_call_that_the_runtime_does_not_have_is_dead_at_once_and_says_which_field_is_wrong(
    world: World,
) -> None:
    wrong = NewCall(pallet="Balances", call="transfer_keep_alive", payload='{"dest":"5Nobody","value":"1"}')
    receipt = await world.storage.commit(outbox.enqueue_call, wrong)
    async with world.bridged():
        [extrinsic] = await world.finished(receipt)
    assert (extrinsic.status, extrinsic.attempt_count) == (ExtrinsicStatus.DEAD, 0)
    assert extrinsic.last_error.startswith(
        "Balances.transfer_keep_alive: arguments.dest: expected an account"
    )


async def test_an_upgrade_that_cannot_be_signed_for_is_named_and_buries_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise UnsupportedExtension("StorageWeightReclaim")

    codec = world.chain.runtime.codec
    upgraded = Runtime(codec.metadata, codec.spec_version + 1, codec.transaction_version)

    async def after_the_upgrade(*_: Any) -> Runtime:
        return upgraded

    async with world.bridged() as bridge:
        await world.succeeded(await remark(world))
        monkeypatch.setattr("chain.submitter.check_extensions", refuse)
        monkeypatch.setattr(Node, "runtime_at", after_the_upgrade)
        receipt = await remark(world, text="0x07")

        async def told() -> bool:
            return "StorageWeightReclaim" in bridge.status().last_error

        await eventually(told, "the status")
        assert (await world.extrinsic(receipt)).status == ExtrinsicStatus.QUEUED


@pytest.mark.parametrize("seed", range(3))
async def test_submitters_that_fail_at_every_step_execute_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Two bridges race; a connection may be lost, or a process die, before and after each step."""
    chance = random.Random(seed)
    commit, submit = Storage.commit, Node.submit
    steps = {"submission.claim", "submission.store_signatures", "signatures.note_hints"}
    faulty = True

    def perhaps_fail() -> None:
        if faulty and chance.random() < 0.15:
            raise ConnectionLost("it ends here")

    async def failing_commit(
        storage: Storage, mutation: Mutation[Any, Any], item: Any, **options: Any
    ) -> Any:
        ours = mutation.name in steps
        if ours:
            perhaps_fail()
        answer = await commit(storage, mutation, item, **options)
        if ours:
            perhaps_fail()
        return answer

    async def failing_submit(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        perhaps_fail()
        delivered = [raw for raw in extrinsics if not faulty or chance.random() < 0.7]
        if delivered:
            await submit(node, delivered)
        perhaps_fail()
        return [None] * len(extrinsics)

    monkeypatch.setattr("chain.submitter.CLAIM_MAX", 3)
    monkeypatch.setattr("chain.submitter.LEASE_SECONDS", 2.0)
    monkeypatch.setattr(Storage, "commit", failing_commit)
    monkeypatch.setattr(Node, "submit", failing_submit)
    monkeypatch.setattr("chain.bridge.PAUSE_SECONDS_MAX", 0.05)
    receipts = [receipt for name in ("", BOB) for receipt in await remarks(world, 20, name)]
    async with world.bridged(attempts_max=1000), world.bridged(attempts_max=1000):

        async def half_done() -> bool:
            if chance.random() < 0.05:
                world.chain.clear_pool()
            ended = [(await world.extrinsic(each)).status == ExtrinsicStatus.FINALIZED for each in receipts]
            return sum(ended) >= len(ended) // 2

        await eventually(half_done, "half of it")
        faulty = False
        await world.succeeded(*receipts)
    for receipt in receipts:
        assert world.times_executed((await world.extrinsic(receipt)).extrinsic_hash) == 1
    for account in (load_signer("//Alice").account, load_signer("//Bob").account):
        assert world.chain.account(account).nonce == len(receipts) // 2
