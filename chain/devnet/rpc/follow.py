"""What `chainHead_v1_follow` tells: every block, then which is the best one and which are final.

Specification: https://paritytech.github.io/json-rpc-interface-spec/api/chainHead_v1_follow.html
"""

from collections.abc import Iterable

from chain.devnet.block import Block
from chain.devnet.chain import DevChain
from chain.devnet.faults import NotificationKind
from chain.devnet.frame import RuntimeVersion
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.pins import Pins
from chain.devnet.rpc.pruning import Pruning
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.subscriptions import Subscription

INITIAL_FINALIZED_BLOCKS_MAX = 16
"""How many of the newest finalized blocks a follower is told of at first."""


class Follow(Subscription):
    """One follower. Each block that it is told of is pinned, parents first, until it unpins it.

    It is told to `stop`, and the subscription is over, when the node has no room for another pinned block.
    """

    family = "chainHead_v1_follow"
    kind = NotificationKind.FOLLOW_EVENT

    def __init__(self, chain: DevChain, pins: Pins, pruning: Pruning, with_runtime: bool) -> None:
        self.with_runtime = with_runtime
        self.pinned: dict[bytes, Block] = {}
        self._chain = chain
        self._pins = pins
        self._pruning = pruning
        self._finalized = chain.finalized
        self._unfinalized: dict[bytes, Block] = {}

    def begin(self) -> None:
        recent = self._recently_finalized()
        if not all(self._pin(block) for block in recent):
            self.stop()
            return
        initialized: Json = {"finalizedBlockHashes": _hashes(recent)}
        if self.with_runtime:
            initialized["finalizedBlockRuntime"] = _runtime(self._chain.runtime_at(self._finalized).version)
        self._tell("initialized", **initialized)
        self._follow(self._chain.best)

    def on_best_block(self, block: Block) -> None:
        self._follow(block)

    def on_finalized_block(self, block: Block) -> None:
        self._announce_up_to(block)
        if self.ended:
            return
        newly_final = [block]
        while (parent := self._parent(newly_final[-1])).hash != self._finalized.hash:
            newly_final.append(parent)
        newly_final.reverse()
        self._finalized = block
        for each in newly_final:
            del self._unfinalized[each.hash]
        pruned = self._prune()
        self._tell("finalized", finalizedBlockHashes=_hashes(newly_final), prunedBlockHashes=_hashes(pruned))

    def unpin(self, block_hashes: Iterable[bytes]) -> None:
        """Hold these blocks, which are pinned, no longer."""
        for block_hash in block_hashes:
            del self.pinned[block_hash]
            self._pins.unpin(block_hash)

    def tell_of_operation(self, event: str, operation_id: str, **details: Json) -> None:
        """Tell how an operation goes, unless the subscription is over."""
        if not self.ended:
            self._tell(event, operationId=operation_id, **details)

    def stop(self) -> None:
        """Tell that the subscription is over; a client begins a new one."""
        self._tell("stop")
        self.close()

    def close(self) -> None:
        self.ended = True
        self.unpin(list(self.pinned))

    def _recently_finalized(self) -> list[Block]:
        """Return the newest finalized blocks of one runtime that the node has, parents first.

        They may be of several runtimes, but then polkadot-api 2.2.2 looks for the upgrade without end.
        """
        recent = [self._finalized]
        runtime = self._chain.runtime_at(self._finalized)
        while len(recent) < INITIAL_FINALIZED_BLOCKS_MAX and recent[-1].number > 0:
            parent = self._parent(recent[-1])
            if self._pruning.has_discarded(parent) or self._chain.runtime_at(parent) is not runtime:
                break
            recent.append(parent)
        return recent[::-1]

    def _follow(self, best: Block) -> None:
        self._announce_up_to(best)
        if not self.ended:
            self._tell("bestBlockChanged", bestBlockHash=hex_text(best.hash))

    def _announce_up_to(self, block: Block) -> None:
        """Tell of a block, and before it of those of its ancestors that were not told of."""
        unknown = []
        while block.hash not in self._unfinalized and block.hash != self._finalized.hash:
            unknown.append(block)
            block = self._parent(block)
        for each in reversed(unknown):
            if not self._pin(each):
                self.stop()
                return
            self._unfinalized[each.hash] = each
            self._tell_of_block(each)

    def _tell_of_block(self, block: Block) -> None:
        details: Json = {
            "blockHash": hex_text(block.hash),
            "parentBlockHash": hex_text(block.header.parent_hash),
        }
        if self.with_runtime:
            runtime = self._chain.runtime_at(block)
            changed = runtime is not self._chain.runtime_at(self._parent(block))
            details["newRuntime"] = _runtime(runtime.version) if changed else None
        self._tell("newBlock", **details)

    def _prune(self) -> list[Block]:
        """Forget the branches that finality has cut off, and return their blocks."""
        pruned = []
        for block in list(self._unfinalized.values()):  # parents come before their children
            parent_hash = block.header.parent_hash
            if parent_hash != self._finalized.hash and parent_hash not in self._unfinalized:
                pruned.append(self._unfinalized.pop(block.hash))
        return pruned

    def _pin(self, block: Block) -> bool:
        if not self._pins.pin(block.hash):
            return False
        self.pinned[block.hash] = block
        return True

    def _parent(self, block: Block) -> Block:
        parent = self._chain.block(block.header.parent_hash)
        assert parent is not None
        return parent

    def _tell(self, event: str, **details: Json) -> None:
        self.notify({"event": event, **details})


def _hashes(blocks: Iterable[Block]) -> list[str]:
    return [hex_text(block.hash) for block in blocks]


def _runtime(version: RuntimeVersion) -> Json:
    """Return the version of a runtime in the words of this API."""
    spec = {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "transactionVersion": version.transaction_version,
        "apis": {hex_text(api): number for api, number in version.apis},
    }
    return {"type": "valid", "spec": spec}
