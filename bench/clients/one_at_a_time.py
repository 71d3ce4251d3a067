"""Blocks as a user of py-substrate-interface reads them: one at a time, from the node whose URL is given.

Each line of standard input is a number of seconds: for so long, blocks are read from where the last reading
ended, or until there is none any more. Each block is a line of JSON, see `bench/reading.py`; an empty line
ends a reading.
"""

import hashlib
import json
import sys
import time

from substrateinterface import SubstrateInterface


def read(client: SubstrateInterface, number: int) -> str | None:
    """Read a block: its events decoded, of its extrinsics only the hashes. None behind the last block."""
    block_hash = client.get_block_hash(number)
    if block_hash is None:
        return None
    block = client.rpc_request("chain_getBlock", [block_hash])["result"]["block"]
    events = client.query("System", "Events", block_hash=block_hash)
    return json.dumps(
        {
            "number": number,
            "hash": block_hash,
            "parent": block["header"]["parentHash"],
            "spec_version": client.runtime_version,
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


def main() -> None:
    with SubstrateInterface(url=sys.argv[1]) as client:
        client.init_runtime()
        print(flush=True)
        number = 1
        for line in sys.stdin:
            end = time.monotonic() + float(line)
            while time.monotonic() < end and (block := read(client, number)):
                print(block, flush=True)
                number += 1
            print(flush=True)


if __name__ == "__main__":
    main()
