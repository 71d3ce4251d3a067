"""py-substrate-interface, unchanged, takes the development chain for a Substrate node."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from substrateinterface import ExtrinsicReceipt, Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from chain.devnet.runtime import PALLETS

Result = TypeVar("Result")

ALICE = Keypair.create_from_uri("//Alice")
BOB = Keypair.create_from_uri("//Bob")


async def with_client(use: Callable[[SubstrateInterface], Result]) -> Result:
    """Let the client, which blocks, use a chain with instant sealing from a thread of its own."""

    def run(url: str) -> Result:
        with SubstrateInterface(url=url) as client:
            return use(client)

    async with DevNode(DevChain(DevChainConfig(sealing=Sealing.INSTANT, finality_lag_blocks=0))) as node:
        return await asyncio.to_thread(run, node.url)


def submit(client: SubstrateInterface, pallet: str, call: str, **arguments: Any) -> ExtrinsicReceipt:
    composed = client.compose_call(pallet, call, arguments)
    signed = client.create_signed_extrinsic(composed, ALICE, era={"period": 16})
    return client.submit_extrinsic(signed, wait_for_inclusion=True)


def create_task(client: SubstrateInterface) -> ExtrinsicReceipt:
    arguments = {"spec_hash": f"0x{'11' * 32}", "budget": 1000, "deadline": 500, "verification_level": "Tee"}
    return submit(client, "TaskMarket", "create_task", **arguments)


async def test_it_reads_metadata_constants_and_accounts() -> None:
    def use(client: SubstrateInterface) -> None:
        assert client.chain == "Development"
        assert client.token_symbol == "UNIT"
        pallets = [pallet.name for pallet in client.get_metadata().pallets]
        assert pallets == [pallet.name for pallet in PALLETS]
        assert client.get_constant("TaskMarket", "BiddingWindow").value == 300
        account = client.query("System", "Account", [ALICE.ss58_address]).value
        assert (account["nonce"], account["data"]["free"]) == (0, 10**18)
        nobody = Keypair.create_from_uri("//Nobody")
        assert client.query("System", "Account", [nobody.ss58_address]).value["data"]["free"] == 0

    await with_client(use)


async def test_its_mortal_extrinsic_is_included_and_its_events_are_read() -> None:
    def use(client: SubstrateInterface) -> None:
        receipt = create_task(client)
        assert receipt.is_success
        events = [event.value["event_id"] for event in receipt.triggered_events]
        assert events == [
            "TaskCreated",
            "Reserved",
            "EscrowCreated",
            "TransactionFeePaid",
            "ExtrinsicSuccess",
        ]
        tasks = {key.value: value.value for key, value in client.query_map("TaskMarket", "Tasks")}
        assert tasks[1]["requester"] == ALICE.ss58_address
        assert tasks[1]["status"] == "Bidding"
        block = client.get_block(receipt.block_hash)
        inherent, signed = [extrinsic.value for extrinsic in block["extrinsics"]]
        assert inherent["call"]["call_module"] == "Timestamp"
        assert (signed["address"], signed["call"]["call_function"]) == (ALICE.ss58_address, "create_task")
        assert client.get_account_nonce(ALICE.ss58_address) == 1

    await with_client(use)


async def test_a_failing_call_is_resolved_to_its_name_and_documentation() -> None:
    def use(client: SubstrateInterface) -> None:
        receipt = submit(client, "TaskMarket", "cancel_task", task_id=77)
        assert not receipt.is_success
        assert receipt.error_message == {
            "type": "Module",
            "name": "TaskNotFound",
            "docs": ["There is no task of this id."],
        }

    await with_client(use)


async def test_money_moves_between_accounts_and_a_finalized_receipt_arrives() -> None:
    def use(client: SubstrateInterface) -> None:
        call = client.compose_call("Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": 7})
        fee = client.get_payment_info(call, ALICE)["partialFee"]
        assert fee > 0
        signed = client.create_signed_extrinsic(call, ALICE, tip=3)
        receipt = client.submit_extrinsic(signed, wait_for_finalization=True)
        assert receipt.is_success
        assert receipt.total_fee_amount == fee + 3
        account = client.query("System", "Account", [ALICE.ss58_address]).value
        assert account["data"]["free"] == 10**18 - 7 - fee - 3
        assert client.query("System", "Account", [BOB.ss58_address]).value["data"]["free"] == 10**18 + 7

    await with_client(use)


async def test_a_batch_of_calls_and_events_without_names_are_read() -> None:
    def use(client: SubstrateInterface) -> None:
        stake = client.get_constant("Reputation", "MinStake").value
        bond = client.compose_call("Reputation", "bond_reputation", {"value": stake})
        unbond = client.compose_call("Reputation", "unbond_reputation", {"value": stake + 1})
        receipt = submit(client, "Utility", "batch", calls=[bond, unbond])
        assert receipt.is_success
        events = {event.value["event_id"]: event.value["attributes"] for event in receipt.triggered_events}
        assert events["ReputationBonded"] == (ALICE.ss58_address, stake)
        assert events["BatchInterrupted"]["index"] == 1
        held = client.query("Reputation", "Stakes", [ALICE.ss58_address]).value
        assert (held["staked"], held["reputation"]) == (stake, 0)

    await with_client(use)


async def test_who_cannot_pay_the_fee_is_refused_in_the_words_it_knows() -> None:
    def use(client: SubstrateInterface) -> dict[str, Any]:
        call = client.compose_call("System", "remark", {"remark": "poor"})
        poor = Keypair.create_from_uri("//Nobody")
        try:
            client.submit_extrinsic(client.create_signed_extrinsic(call, poor))
        except SubstrateRequestException as refusal:
            error: dict[str, Any] = refusal.args[0]
            return error
        raise AssertionError("the extrinsic was taken")

    assert await with_client(use) == {
        "code": 1010,
        "message": "Invalid Transaction",
        "data": "Inability to pay some fees (e.g. account balance too low)",
    }


async def test_a_used_nonce_is_refused_in_the_words_it_knows() -> None:
    def use(client: SubstrateInterface) -> dict[str, Any]:
        create_task(client)
        call = client.compose_call("System", "remark", {"remark": "again"})
        try:
            client.submit_extrinsic(client.create_signed_extrinsic(call, ALICE, nonce=0))
        except SubstrateRequestException as refusal:
            error: dict[str, Any] = refusal.args[0]
            return error
        raise AssertionError("the extrinsic was taken")

    error = await with_client(use)
    assert error == {"code": 1010, "message": "Invalid Transaction", "data": "Transaction is outdated"}
