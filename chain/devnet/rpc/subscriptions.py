"""What clients can subscribe to, and what each subscription tells them when."""

from collections.abc import Callable, Sequence

from chain.devnet.block import Block
from chain.devnet.chain import DevChain
from chain.devnet.faults import NotificationKind
from chain.devnet.pool import TERMINAL, Status
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.render import hex_or_none, hex_text, render_header, render_status, render_version


class Subscription:
    """A subscription of one connection; `notify` is set by its session before `begin`.

    `family` is what must be unsubscribed from, `kind` the method that the notifications bear, if there are
    any. Its session ends it once it has `ended`, that is when there can be no further notification.
    """

    family: str
    kind: NotificationKind | None = None
    notify: Callable[[Json], None]
    ended = False

    def begin(self) -> None:
        """Tell how things are at present."""

    def close(self) -> None:
        """Let go of what is held for the subscription."""

    def on_best_block(self, block: Block) -> None:
        """Take notice of a new best block."""

    def on_finalized_block(self, block: Block) -> None:
        """Take notice of a finalized block. It may lie several blocks behind the one before."""


class BestHeads(Subscription):
    """Every new best head, first of all the present one."""

    def __init__(self, family: str, kind: NotificationKind, best: Block) -> None:
        self.family = family
        self.kind = kind
        self._best = best

    def begin(self) -> None:
        self.on_best_block(self._best)

    def on_best_block(self, block: Block) -> None:
        self.notify(render_header(block.header))


class FinalizedHeads(Subscription):
    """Finalized heads, first of all the present one. Of blocks that become final at once, only the last."""

    family = "chain_finalizedHeads"
    kind = NotificationKind.FINALIZED_HEAD

    def __init__(self, finalized: Block) -> None:
        self._finalized = finalized

    def begin(self) -> None:
        self.on_finalized_block(self._finalized)

    def on_finalized_block(self, block: Block) -> None:
        self.notify(render_header(block.header))


class RuntimeVersions(Subscription):
    """The version of the best block's runtime: the present one at first, then every other."""

    family = "state_runtimeVersion"
    kind = NotificationKind.RUNTIME_VERSION

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self._version = chain.runtime.version

    def begin(self) -> None:
        self.notify(render_version(self._version))

    def on_best_block(self, block: Block) -> None:
        version = self._chain.runtime_at(block).version
        if version != self._version:
            self._version = version
            self.notify(render_version(version))


class StorageChanges(Subscription):
    """The values of some keys: all of them at first, then in every best block those that have changed."""

    family = "state_storage"
    kind = NotificationKind.STORAGE

    def __init__(self, keys: Sequence[bytes], best: Block) -> None:
        self._best = best
        self._values = {key: best.state.get(key) for key in keys}

    def begin(self) -> None:
        self._notify(self._best, list(self._values))

    def on_best_block(self, block: Block) -> None:
        changed = [key for key, value in self._values.items() if block.state.get(key) != value]
        if changed:
            self._values.update((key, block.state.get(key)) for key in changed)
            self._notify(block, changed)

    def _notify(self, block: Block, keys: Sequence[bytes]) -> None:
        changes = [[hex_text(key), hex_or_none(self._values[key])] for key in keys]
        self.notify({"block": hex_text(block.hash), "changes": changes})


class TransactionWatch(Subscription):
    """The steps of one transaction."""

    family = "author_extrinsicUpdate"
    kind = NotificationKind.EXTRINSIC_UPDATE

    def __init__(self, transaction_hash: bytes) -> None:
        self.transaction_hash = transaction_hash

    def on_status(self, status: Status) -> None:
        """Take notice of a new status."""
        self.ended = status.kind in TERMINAL
        self.notify(render_status(status))
