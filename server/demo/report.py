"""The end of the demo: every entity as the API returns it, next to its state on the chain."""

from typing import Any

from chamberlain.v1 import agent_pb2, bid_pb2, result_pb2, task_pb2
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from rich.table import Table

from chain.node import Node
from chain.rpc import RpcClient
from chain.scale.runtime import Runtime
from server.demo.story import Ending

Row = tuple[str, str, str]
"""An entity, its state according to the API, and its state on the chain, in the same format."""


async def compare(ending: Ending, url: str) -> list[Row]:
    """Read the final state of the chain at `url`, bypassing the server, and compare it with the API's."""
    task, result = ending.task, ending.result
    chain_ids = {agent.agent_id: agent.chain_agent_id for agent in ending.agents}
    async with RpcClient(url) as client:
        state = await _State.at_finalized_head(Node(client))
        on_chain = await state.read("TaskMarket", "Tasks", task.chain_task_id)
        escrow = await state.read("Escrow", "Escrows", task.chain_task_id)
        agents = [await state.read("AgentRegistry", "Agents", number) for number in chain_ids.values()]
        bids = [
            await state.read("TaskMarket", "Bids", task.chain_task_id, chain_ids[bid.agent_id])
            for bid in ending.bids
        ]
    rows = [
        (f"agent {agent.agent_id}", _word(agent_pb2.AgentStatus, agent.status), found["status"].lower())
        for agent, found in zip(ending.agents, agents, strict=True)
    ]
    for bid, found in zip(ending.bids, bids, strict=True):
        outcome = "won" if chain_ids[bid.agent_id] == on_chain["winner"] else "lost"
        ours = f"{_word(bid_pb2.BidStatus, bid.status)}, value {bid.value}"
        rows.append((f"bid of {bid.agent_id}", ours, f"{outcome}, value {found['cost']}"))
    ours = f"{_word(task_pb2.TaskStatus, task.status)} by agent {chain_ids[task.assigned_agent_id]}"
    rows.append(("task", ours, f"{on_chain['status'].lower()} by agent {on_chain['winner']}"))
    ours = f"{_word(task_pb2.EscrowStatus, task.escrow_status)}, cost {task.cost}"
    rows.append(("escrow", ours, f"{escrow['status'].lower()}, cost {on_chain['cost']}"))
    ours = f"{_word(result_pb2.ResultStatus, result.status)}, hash {_short(result.result_hash)}"
    rows.append(("result", ours, f"recorded, hash {_short(on_chain['result_hash'])}"))
    return rows


def table(rows: list[Row]) -> Table:
    """The comparison as a table."""
    found = Table(title="Final state", title_justify="left")
    for heading in ("entity", "API", "chain", ""):
        found.add_column(heading)
    for entity, ours, theirs in rows:
        found.add_row(entity, ours, theirs, "[green]same[/]" if ours == theirs else "[red]differs[/]")
    return found


class _State:
    """The storage of the chain at one block."""

    def __init__(self, node: Node, runtime: Runtime, block_hash: bytes) -> None:
        self._node = node
        self._runtime = runtime
        self._block = f"0x{block_hash.hex()}"

    @classmethod
    async def at_finalized_head(cls, node: Node) -> "_State":
        head = await node.finalized_head()
        return cls(node, await node.runtime_at(head.hash), head.hash)

    async def read(self, pallet: str, item: str, *keys: int) -> Any:
        key = self._runtime.storage_key(pallet, item, *keys)
        raw = await self._node.client.call("state_getStorage", f"0x{key.hex()}", self._block)
        return self._runtime.decode_storage(pallet, item, bytes.fromhex(raw.removeprefix("0x")))


def _word(enum: EnumTypeWrapper, value: Any) -> str:
    """The state in the name of an enum value: `active` for AGENT_STATUS_ACTIVE."""
    return str(enum.Name(value)).rpartition("_")[2].lower()


def _short(digest: bytes) -> str:
    return f"0x{digest.hex()[:12]}…"
