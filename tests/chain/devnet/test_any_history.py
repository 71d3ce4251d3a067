"""Whatever a chain is told to do - fork, finalize, upgrade, lose its pool - clients can trust it."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chain.devnet import Change, DevChain, DevChainConfig, Retracted, Sealing, TransactionRefused
from chain.devnet.block import Block, blake2_256
from chain.devnet.chain import ENDOWED, ENDOWMENT_PLANCK
from chain.devnet.execution import next_block
from chain.devnet.pallets import balances
from chain.devnet.pool import TERMINAL, Status, StatusKind
from chain.devnet.transaction import decode_transaction, validate
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.witness import REMARK

NAMES = ("Alice", "Bob", "Newcomer")
PEOPLE = st.sampled_from(NAMES)
ISSUANCE = len(ENDOWED) * ENDOWMENT_PLANCK + balances.EXISTENTIAL_DEPOSIT
UPGRADES_MAX = 2

NEXT = {
    None: {StatusKind.READY, StatusKind.FUTURE},
    StatusKind.READY: set(StatusKind) - {StatusKind.READY, StatusKind.RETRACTED, StatusKind.FINALIZED},
    StatusKind.FUTURE: set(StatusKind) - {StatusKind.FUTURE, StatusKind.RETRACTED, StatusKind.FINALIZED},
    StatusKind.IN_BLOCK: {StatusKind.RETRACTED, StatusKind.FINALIZED},
    StatusKind.RETRACTED: set(StatusKind) - {StatusKind.RETRACTED, StatusKind.FINALIZED},
}
"""Which status of a transaction may follow which, until a terminal one."""


class Listener:
    """Checks what is announced against what was announced before."""

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self.best = self.finalized = chain.genesis
        self.inherents: set[bytes] = set()
        self.last: dict[bytes, Status] = {}
        chain.observers.append(self)

    def on_best_block(self, block: Block) -> None:
        parent = self.chain.block(block.header.parent_hash)
        assert parent is not None
        assert parent is self.chain.block_at(block.number - 1)
        assert block.number > self.finalized.number
        self.best = block
        self.inherents.add(block.extrinsic_hashes()[0])
        self.check_extrinsics(block, parent)

    def on_finalized_block(self, block: Block) -> None:
        assert block.number > self.finalized.number
        ancestor: Block | None = block
        while ancestor is not None and ancestor.number > self.finalized.number:
            ancestor = self.chain.block(ancestor.header.parent_hash)
        assert ancestor is self.finalized
        self.finalized = block

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        if transaction_hash in self.inherents:
            return
        last = self.last.get(transaction_hash)
        kind = None if last is None or last.kind in TERMINAL else last.kind
        assert status.kind in NEXT[kind], (last, status)
        if status.kind in (StatusKind.RETRACTED, StatusKind.FINALIZED):
            assert last is not None
            assert status.hash == last.hash
        self.last[transaction_hash] = status

    def check_extrinsics(self, block: Block, parent: Block) -> None:
        """Look at every signature anew: nothing invalid is in a block."""
        runtime = self.chain.runtime_at(parent)
        for raw in block.extrinsics[1:]:
            validate(next_block(runtime, parent), decode_transaction(runtime, raw))


class HistoryMachine(RuleBasedStateMachine):
    """People pay each other while everything happens that can happen to a chain."""

    @initialize(step=st.integers(1, 3), lag=st.integers(0, 4))
    def begin(self, step: int, lag: int) -> None:
        self.chain = DevChain(
            DevChainConfig(
                seed="history",
                sealing=Sealing.MANUAL,
                genesis_time_ms=1_700_000_000_000,
                finality_lag_blocks=lag,
                finality_step_blocks=step,
            )
        )
        self.listener = Listener(self.chain)
        self.people = {name: Actor(self.chain, f"//{name}") for name in NAMES}
        self.sent: list[bytes] = []
        self.upgrades = 0

    def submit(self, name: str, call: str, **terms: object) -> None:
        """Submit it; the pool may refuse it as it likes."""
        extrinsic = self.people[name].sign(call, **terms)  # type: ignore[arg-type]
        try:
            self.chain.submit(extrinsic.raw)
        except TransactionRefused:
            return
        self.sent.append(extrinsic.raw)

    @rule(name=PEOPLE, to=PEOPLE, tip=st.integers(0, 2), ahead=st.integers(0, 2), era=st.booleans())
    def pay(self, name: str, to: str, tip: int, ahead: int, era: bool) -> None:
        nonce = self.chain.next_nonce(self.people[name].account) + ahead
        terms = {"tip": tip, "account_nonce": nonce, "era_blocks": 4 if era else None}
        payee = {"Id": self.people[to].account}
        self.submit(name, "Balances.transfer_keep_alive", dest=payee, value=10**12, **terms)

    @rule(name=PEOPLE, tip=st.integers(0, 3))
    def replace(self, name: str, tip: int) -> None:
        nonce = self.chain.account(self.people[name].account).nonce
        self.submit(name, REMARK, remark=bytes([tip]), tip=tip, account_nonce=nonce)

    @precondition(lambda self: self.sent)
    @rule(choice=st.integers(0, 1000))
    def send_again(self, choice: int) -> None:
        try:
            self.chain.submit(self.sent[choice % len(self.sent)])
        except TransactionRefused:
            return

    @rule(count=st.integers(1, 4))
    def seal(self, count: int) -> None:
        self.chain.seal(count)

    @rule(depth=st.integers(1, 4), more=st.integers(1, 2), retracted=st.sampled_from(Retracted))
    def fork(self, depth: int, more: int, retracted: Retracted) -> None:
        best, finalized = self.chain.best, self.chain.finalized
        try:
            branch = self.chain.fork(depth, depth + more, retracted)
        except ValueError:
            assert depth > best.number - finalized.number
            assert self.chain.best is best
        else:
            assert branch[0].number == best.number - depth + 1
            assert self.chain.best is branch[-1] is self.listener.best

    @rule(back=st.integers(0, 3))
    def finalize(self, back: int) -> None:
        self.chain.finalize(self.chain.best.number - back)

    @rule(paused=st.booleans())
    def stall_finality(self, paused: bool) -> None:
        if paused:
            self.chain.pause_finality()
        else:
            self.chain.resume_finality()

    @precondition(lambda self: self.upgrades < UPGRADES_MAX)
    @rule(changes=st.sampled_from([list(Change), [], [Change.SIGNED_EXTENSIONS]]))
    def upgrade(self, changes: list[Change]) -> None:
        self.chain.upgrade_runtime(changes, self.chain.best.number + 2 + self.upgrades)
        self.upgrades += 1

    @precondition(lambda self: self.sent)
    @rule(choice=st.integers(0, 1000), ban=st.booleans())
    def lose_one(self, choice: int, ban: bool) -> None:
        transaction_hash = blake2_256(self.sent[choice % len(self.sent)])
        if ban:
            self.chain.ban(transaction_hash)
        else:
            self.chain.drop(transaction_hash)

    @rule()
    def lose_the_pool(self) -> None:
        held = len(self.chain.pending())
        assert self.chain.clear_pool() >= held
        assert self.chain.pending() == []

    @invariant()
    def finality_never_reverts(self) -> None:
        assert self.chain.finalized is self.listener.finalized
        assert self.chain.block_at(self.chain.finalized.number) is self.chain.finalized
        assert self.chain.best.number >= self.chain.finalized.number

    @invariant()
    def the_best_chain_is_connected_and_every_nonce_counts_what_is_on_it(self) -> None:
        counted = dict.fromkeys((person.account for person in self.people.values()), 0)
        seen: set[bytes] = set()
        parent = self.chain.genesis
        for number in range(1, self.chain.best.number + 1):
            block = self.chain.block_at(number)
            assert block is not None
            assert (block.number, block.header.parent_hash) == (number, parent.hash)
            runtime = self.chain.runtime_at(parent)
            for raw in block.extrinsics[1:]:
                transaction = decode_transaction(runtime, raw)
                assert transaction.nonce == counted[transaction.account]
                assert transaction.hash not in seen
                seen.add(transaction.hash)
                counted[transaction.account] += 1
            parent = block
        for account, count in counted.items():
            assert self.chain.account(account).nonce == count

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        prefix = self.chain.runtime.codec.storage_key("System", "Account")
        accounts = [self.chain.account(key[-32:]) for key in self.chain.best.state.keys(prefix)]
        assert sum(account.data.free + account.data.reserved for account in accounts) == ISSUANCE

    @invariant()
    def what_is_ready_follows_the_nonce_on_the_chain_without_a_gap(self) -> None:
        ready: dict[bytes, list[int]] = {}
        for transaction in self.chain.pending():
            ready.setdefault(transaction.account, []).append(transaction.nonce)
        for account, nonces in ready.items():
            first = self.chain.account(account).nonce
            assert nonces == list(range(first, first + len(nonces)))

    def teardown(self) -> None:
        """Let everything that is ready get into blocks, and those become final."""
        if hasattr(self, "chain"):
            self.chain.seal(UPGRADES_MAX + 3)
            self.chain.finalize()
            assert self.chain.pending() == []
            on_chain = {StatusKind.FINALIZED, StatusKind.FUTURE} | TERMINAL
            assert {status.kind for status in self.listener.last.values()} <= on_chain


TestAnyHistory = HistoryMachine.TestCase
TestAnyHistory.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
