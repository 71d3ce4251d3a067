"""What a user of py-substrate-interface does, against the node whose URL is given. Prints it as JSON."""

import json
import sys
from typing import Any

from substrateinterface import ExtrinsicReceipt, Keypair, SubstrateInterface

ALICE = Keypair.create_from_uri("//Alice")
BOB = Keypair.create_from_uri("//Bob").ss58_address

MOVE_HEADS = 5


def sign(client: SubstrateInterface, pallet: str, call: str, **arguments: Any) -> Any:
    composed = client.compose_call(pallet, call, arguments)
    return client.create_signed_extrinsic(composed, ALICE, era={"period": 64})


def submit(client: SubstrateInterface, pallet: str, call: str, **arguments: Any) -> ExtrinsicReceipt:
    signed = sign(client, pallet, call, **arguments)
    return client.submit_extrinsic(signed, wait_for_finalization=True)


def free_of_bob(client: SubstrateInterface) -> str:
    return str(client.query("System", "Account", [BOB]).value["data"]["free"])


def story(client: SubstrateInterface, steering: SubstrateInterface) -> dict[str, Any]:
    told: dict[str, Any] = {"chain": client.chain, "freeBefore": free_of_bob(client)}
    told["pallets"] = [pallet.name for pallet in client.get_metadata().pallets]

    paid = submit(client, "Balances", "transfer_keep_alive", dest=BOB, value=7)
    events = [event.value["event"] for event in paid.triggered_events]
    told["paid"] = [f"{event['module_id']}.{event['event_id']}" for event in events]
    final = client.get_block_number(client.get_chain_finalised_head())
    told["finalized"] = client.get_block_number(paid.block_hash) <= final
    told["freeAfter"] = free_of_bob(client)

    told["error"] = submit(client, "TaskMarket", "cancel_task", task_id=77).error_message["name"]

    # The block that holds the call is replaced by an empty branch; a later block holds it again.
    steering.rpc_request("dev_pauseSealing", [])
    client.submit_extrinsic(sign(client, "Balances", "transfer_keep_alive", dest=BOB, value=5))
    heads: list[int] = []

    def on_head(head: dict[str, Any], _update: int, _subscription_id: str) -> bool | None:
        heads.append(head["header"]["number"])
        if len(heads) == 1:
            steering.rpc_request("dev_seal", [])
            steering.rpc_request("dev_fork", [1, 2, "pool"])
            steering.rpc_request("dev_seal", [])
        return True if len(heads) == MOVE_HEADS else None

    client.subscribe_block_headers(on_head)
    told["moved"] = [number - heads[0] for number in heads]
    told["freeAtLast"] = free_of_bob(client)
    return told


def main() -> None:
    url = sys.argv[1]
    with SubstrateInterface(url=url) as client, SubstrateInterface(url=url) as steering:
        print(json.dumps(story(client, steering)))


if __name__ == "__main__":
    main()
