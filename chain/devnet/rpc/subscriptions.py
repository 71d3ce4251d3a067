"""What clients can subscribe to, and what each subscription tells them when."""

from collections.abc import Callable, Sequence

from chain.devnet.block import Block
from chain.devnet.pool import TERMINAL, Status
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.render import hex_or_none, hex_text, render_header, render_status

NOTIFICATIONS_BEFORE_ANSWER_MAX = 64
"""How many notifications may arise before the answer with the subscription's id is on its way."""


class Subscription:
    """A subscription of one connection. It notifies only once its id is on the way to the client.

    `method` is the name that its notifications bear; `family` is what must be unsubscribed from.
    """

    family: str
    method: str

    def __init__(self) -> None:
        self.ended = False
        self._send: Callable[[Json], None] | None = None
        self._early: list[Json] = []

    def start(self, send: Callable[[Json], None]) -> None:
        """Send what has come up so far, and everything to come at once."""
        self._send = send
        for early in self._early:
            send(early)
        self._early.clear()

    def notify(self, result: Json) -> None:
        """Tell the client."""
        if self._send is not None:
            self._send(result)
        elif len(self._early) < NOTIFICATIONS_BEFORE_ANSWER_MAX:
            self._early.append(result)

    def on_best_block(self, block: Block) -> None:
        """Take notice of a new best block."""

    def on_finalized_block(self, block: Block) -> None:
        """Take notice of a finalized block. It may lie several blocks behind the one before."""


class BestHeads(Subscription):
    """Every new best head, first of all the present one."""

    def __init__(self, family: str, method: str, best: Block) -> None:
        super().__init__()
        self.family = family
        self.method = method
        self.on_best_block(best)

    def on_best_block(self, block: Block) -> None:
        self.notify(render_header(block.header))


class FinalizedHeads(Subscription):
    """Finalized heads, first of all the present one. Of blocks that become final at once, only the last."""

    family = "chain_finalizedHeads"
    method = "chain_finalizedHead"

    def __init__(self, finalized: Block) -> None:
        super().__init__()
        self.on_finalized_block(finalized)

    def on_finalized_block(self, block: Block) -> None:
        self.notify(render_header(block.header))


class RuntimeVersions(Subscription):
    """The runtime's version, which does not change as yet."""

    family = "state_runtimeVersion"
    method = "state_runtimeVersion"

    def __init__(self, version: Json) -> None:
        super().__init__()
        self.notify(version)


class StorageChanges(Subscription):
    """The values of some keys: all of them at first, then in every best block those that have changed."""

    family = "state_storage"
    method = "state_storage"

    def __init__(self, keys: Sequence[bytes], best: Block) -> None:
        super().__init__()
        self._values = {key: best.state.get(key) for key in keys}
        self._notify(best, keys)

    def on_best_block(self, block: Block) -> None:
        changed = [key for key, value in self._values.items() if block.state.get(key) != value]
        if changed:
            self._values.update((key, block.state.get(key)) for key in changed)
            self._notify(block, changed)

    def _notify(self, block: Block, keys: Sequence[bytes]) -> None:
        changes = [[hex_text(key), hex_or_none(self._values[key])] for key in keys]
        self.notify({"block": hex_text(block.hash), "changes": changes})


class TransactionWatch(Subscription):
    """The steps of one transaction, until there can be no further one."""

    family = "author_extrinsicUpdate"
    method = "author_extrinsicUpdate"

    def __init__(self, transaction_hash: bytes) -> None:
        super().__init__()
        self.transaction_hash = transaction_hash

    def on_status(self, status: Status) -> None:
        """Take notice of a new status."""
        self.notify(render_status(status))
        self.ended = status.kind in TERMINAL
