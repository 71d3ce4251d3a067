"""What a user of async-substrate-interface does, against the node whose URL is given. Prints it as JSON."""

import asyncio
import json
import sys
from typing import Any

import sr25519
from async_substrate_interface import AsyncSubstrateInterface
from scalecodec.utils.ss58 import ss58_encode

SS58_PREFIX = 42
MOVE_HEADS = 5


class Keypair:
    """A development account, given by its mini secret; the library brings no keys of its own."""

    crypto_type = 1  # sr25519
    ss58_format = SS58_PREFIX

    def __init__(self, mini_secret: str) -> None:
        self.public_key, self._secret_key = sr25519.pair_from_seed(bytes.fromhex(mini_secret))
        self.ss58_address = ss58_encode(self.public_key, SS58_PREFIX)

    def sign(self, payload: bytes) -> bytes:
        signature: bytes = sr25519.sign((self.public_key, self._secret_key), bytes(payload))
        return signature


ALICE = Keypair("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")
BOB = Keypair("398f0c28f98885e046333d4a41c19cee4c37368a9832c6502f6cfd182e2aef89").ss58_address


async def sign(client: AsyncSubstrateInterface, pallet: str, call: str, **arguments: Any) -> Any:
    composed = await client.compose_call(pallet, call, arguments)
    return await client.create_signed_extrinsic(composed, ALICE, era={"period": 64})


async def submit(client: AsyncSubstrateInterface, pallet: str, call: str, **arguments: Any) -> Any:
    signed = await sign(client, pallet, call, **arguments)
    return await client.submit_extrinsic(signed, wait_for_finalization=True)


async def free_of_bob(client: AsyncSubstrateInterface) -> str:
    account: Any = await client.query("System", "Account", [BOB])
    return str(getattr(account, "value", account)["data"]["free"])


async def story(client: AsyncSubstrateInterface) -> dict[str, Any]:
    told: dict[str, Any] = {"chain": client.chain, "freeBefore": await free_of_bob(client)}
    metadata = await client.get_metadata()
    told["pallets"] = [pallet.name for pallet in metadata.pallets]

    paid = await submit(client, "Balances", "transfer_keep_alive", dest=BOB, value=7)
    events = [event["event"] for event in await paid.triggered_events]
    told["paid"] = [f"{event['module_id']}.{event['event_id']}" for event in events]
    final = await client.get_block_number(await client.get_chain_finalised_head())
    told["finalized"] = await client.get_block_number(paid.block_hash) <= final
    told["freeAfter"] = await free_of_bob(client)

    failed = await submit(client, "TaskMarket", "cancel_task", task_id=77)
    told["error"] = (await failed.error_message)["name"]

    # The block that holds the call is replaced by an empty branch; a later block holds it again.
    await client.rpc_request("dev_pauseSealing", [])
    await client.submit_extrinsic(await sign(client, "Balances", "transfer_keep_alive", dest=BOB, value=5))
    heads: list[int] = []

    async def on_head(head: dict[str, Any]) -> bool | None:
        heads.append(head["header"]["number"])
        return True if len(heads) == MOVE_HEADS else None

    following = asyncio.create_task(client.subscribe_block_headers(on_head))
    while not heads:
        await asyncio.sleep(0.01)
    await client.rpc_request("dev_seal", [])
    await client.rpc_request("dev_fork", [1, 2, "pool"])
    await client.rpc_request("dev_seal", [])
    await following
    told["moved"] = [number - heads[0] for number in heads]
    told["freeAtLast"] = await free_of_bob(client)
    return told


async def main() -> None:
    async with AsyncSubstrateInterface(sys.argv[1]) as client:
        print(json.dumps(await story(client)))


if __name__ == "__main__":
    asyncio.run(main())
