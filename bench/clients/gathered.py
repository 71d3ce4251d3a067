"""Blocks as a user of async-substrate-interface reads them who is in a hurry: 32 at once.

It speaks as `one_at_a_time.py` does.
"""

import asyncio
import hashlib
import json
import sys
import time

from async_substrate_interface import AsyncSubstrateInterface

AT_ONCE = 32


async def read(client: AsyncSubstrateInterface, number: int, spec_version: int) -> str | None:
    """Read a block: its events decoded, of its extrinsics only the hashes. None behind the last block."""
    block_hash = await client.get_block_hash(number)
    if block_hash is None:
        return None
    answer, events = await asyncio.gather(
        client.rpc_request("chain_getBlock", [block_hash]),
        client.query("System", "Events", block_hash=block_hash),
    )
    block = answer["result"]["block"]
    return json.dumps(
        {
            "number": number,
            "hash": block_hash,
            "parent": block["header"]["parentHash"],
            "spec_version": spec_version,
            "raw_events": str(events.data),
            "extrinsics": [
                hashlib.blake2b(bytes.fromhex(extrinsic[2:]), digest_size=32).hexdigest()
                for extrinsic in block["extrinsics"]
            ],
            "events": [
                [event["extrinsic_idx"], event["module_id"], event["event_id"], event["attributes"]]
                for event in events.value
            ],
        }
    )


async def main() -> None:
    async with AsyncSubstrateInterface(sys.argv[1]) as client:
        spec_version = (await client.init_runtime()).runtime_version
        print(flush=True)
        number = 1
        while line := await asyncio.to_thread(sys.stdin.readline):
            end = time.monotonic() + float(line)
            more = True
            while more and time.monotonic() < end:
                numbers = range(number, number + AT_ONCE)
                answers = await asyncio.gather(*(read(client, each, spec_version) for each in numbers))
                blocks = [block for block in answers if block is not None]
                print("".join(f"{block}\n" for block in blocks), end="", flush=True)
                number += len(blocks)
                more = len(blocks) == AT_ONCE
            print(flush=True)


if __name__ == "__main__":
    asyncio.run(main())
