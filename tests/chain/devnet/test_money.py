"""No sequence of calls makes or loses money, and what is set aside is what open escrows and bonds hold."""

from collections.abc import Iterator

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chain.devnet import DevChain, DevChainConfig, Sealing, TransactionRefused
from chain.devnet.chain import ENDOWED, ENDOWMENT_PLANCK
from chain.devnet.pallets import balances, escrow
from chain.devnet.pallets.agent_registry import AGENTS
from chain.devnet.pallets.escrow import Escrow
from chain.devnet.pallets.reputation import STAKES
from chain.devnet.pallets.tasks import NEXT_TASK_ID, TASKS, Task
from chain.devnet.refusal import InvalidReason
from chain.devnet.runtime import PALLETS
from chain.scale.calls import Call
from tests.chain.devnet.actors import SEAL_NONCE, SPEC_HASH, Actor, Market, cached_signer, stored

ISSUANCE = len(ENDOWED) * ENDOWMENT_PLANCK + balances.EXISTENTIAL_DEPOSIT

NAMES = ("alice", "bob", "charlie", "arbiter")
PEOPLE = st.sampled_from(NAMES)
ACCOUNTS = st.sampled_from([cached_signer(f"//{name.capitalize()}").account for name in NAMES])
AMOUNTS = st.one_of(
    st.integers(0, 2000),
    st.integers(0, 2 * 10**18),
    st.integers(10**18 - 10**8, 10**18),
)
TASK_IDS = st.integers(1, 3)
HASHES = st.just(SPEC_HASH)

ARGUMENTS: dict[str, st.SearchStrategy[object]] = {
    **dict.fromkeys(("value", "amount", "budget", "cost"), AMOUNTS),
    **dict.fromkeys(("dest", "agent"), ACCOUNTS),
    **dict.fromkeys(("keep_alive", "pay_agent", "success"), st.booleans()),
    **dict.fromkeys(("agent_id", "milestone_id", "commitment_id"), st.integers(1, 4)),
    **dict.fromkeys(("spec_hash", "terms_hash", "result_hash", "commitment"), HASHES),
    **dict.fromkeys(("metadata", "attestation"), st.none()),
    **dict.fromkeys(("proof", "description", "remark"), st.just(b"")),
    "task_id": TASK_IDS,
    "deadline": st.integers(1, 60),
    "estimated_duration": st.just(60),
    "verification_level": st.just("Tee"),
    "nonce": st.just(SEAL_NONCE),
    "did": st.binary(min_size=1, max_size=2),
    "capabilities": st.just([]),
    "required_approvals": st.integers(1, 2),
    "offense_code": st.integers(0, 4),
    "now": st.just(0),
}
"""What the arguments of a call may be, by their names."""


def calls_of(*, batches: bool) -> st.SearchStrategy[Call]:
    """Any call of any pallet, with arguments that may or may not fit the moment."""
    return st.one_of(
        [
            st.builds(
                Call,
                st.just(pallet.name),
                st.just(call.name),
                st.fixed_dictionaries({str(field.name): argument(str(field.name)) for field in call.fields}),
            )
            for pallet in PALLETS
            for call in pallet.calls
            if batches or pallet.name != "Utility"
        ]
    )


def argument(name: str) -> st.SearchStrategy[object]:
    if name != "calls":
        return ARGUMENTS[name]
    nested = calls_of(batches=False).map(lambda call: {call.pallet: {call.name: call.arguments}})
    return st.lists(nested, max_size=4)


class MoneyMachine(RuleBasedStateMachine):
    """A few people, each with an agent, do whatever they may or may not."""

    @initialize()
    def begin(self) -> None:
        """Two bonds, a task at work and two that take bids; from there on anything may happen."""
        self.chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, bidding_window_blocks=40, seed="money"))
        self.market = Market(self.chain)
        self.agents = {name: self.market.register(self.person(name), f"did:ex:{name}") for name in NAMES}
        self.blocks_read = self.dust = 0
        for name in ("bob", "charlie"):
            self.bond(name, 10**15)
        for _ in range(3):
            self.create_task("alice", 10**15, 100)
        self.work_on_task("bob", 1, cost_percent=50, delivers=False)

    def person(self, name: str) -> Actor:
        actor: Actor = getattr(self.market, name)
        return actor

    def name_of(self, account: bytes) -> str:
        [name] = (name for name in NAMES if self.person(name).account == account)
        return name

    def requester(self, task_id: int) -> str:
        """Return whose task it is; somebody for one that does not exist."""
        task: Task | None = TASKS.get(self.chain.snapshot(), task_id)
        return self.name_of(task.requester) if task else "alice"

    def worker(self, task_id: int) -> str:
        """Return who won a task; somebody if nobody has."""
        task: Task | None = TASKS.get(self.chain.snapshot(), task_id)
        agent_id = task.winner if task else None
        return self.name_of(stored(self.chain, AGENTS, agent_id).owner) if agent_id else "bob"

    def attempt(self, name: str, call: str, **arguments: object) -> None:
        """Do it if the account can pay the fee; the chain may refuse the call as it likes."""
        try:
            self.person(name).do(call, **arguments)
        except TransactionRefused as refusal:
            if refusal.explanation != InvalidReason.PAYMENT.text:
                raise

    @rule(name=PEOPLE, to=PEOPLE, value=AMOUNTS, keep_alive=st.booleans())
    def transfer(self, name: str, to: str, value: int, keep_alive: bool) -> None:
        call = "transfer_keep_alive" if keep_alive else "transfer_allow_death"
        self.attempt(name, f"Balances.{call}", dest=self.person(to).account, value=value)

    @rule(name=PEOPLE, budget=AMOUNTS, blocks=st.integers(1, 20))
    def create_task(self, name: str, budget: int, blocks: int) -> None:
        self.attempt(name, "TaskMarket.create_task", **self.market.task(budget=budget, blocks=blocks))

    @rule(task_id=TASK_IDS)
    def cancel_task(self, task_id: int) -> None:
        self.attempt(self.requester(task_id), "TaskMarket.cancel_task", task_id=task_id)

    @rule(name=PEOPLE, task_id=TASK_IDS, cost_percent=st.integers(0, 105), delivers=st.booleans())
    def work_on_task(self, name: str, task_id: int, cost_percent: int, delivers: bool) -> None:
        """Bid, have the requester assign the task to this bid, and deliver a result or not."""
        task = TASKS.get(self.chain.snapshot(), task_id)
        cost = task.budget * cost_percent // 100 if task else 0
        requester, bidder = self.requester(task_id), {"task_id": task_id, "agent_id": self.agents[name]}
        bid = self.market.bid(task_id, self.agents[name], f"did:ex:{name}", cost)
        self.attempt(name, "TaskMarket.submit_bid", **bid)
        self.attempt(requester, "TaskMarket.close_bidding", task_id=task_id)
        self.attempt(name, "TaskMarket.reveal_bid", **bidder, cost=cost, nonce=SEAL_NONCE)
        self.attempt(requester, "TaskMarket.allocate_task", task_id=task_id)
        if delivers:
            self.attempt(name, "TaskMarket.submit_result", **bidder, result_hash=bytes(32), proof=b"")

    @rule(task_id=TASK_IDS)
    def deliver_and_release_payment(self, task_id: int) -> None:
        task: Task | None = TASKS.get(self.chain.snapshot(), task_id)
        delivery = {"task_id": task_id, "agent_id": task.winner if task and task.winner else 1}
        result = {**delivery, "result_hash": bytes(32), "proof": b""}
        self.attempt(self.worker(task_id), "TaskMarket.submit_result", **result)
        self.attempt(self.requester(task_id), "Escrow.release_payment", task_id=task_id)

    @rule(task_id=TASK_IDS, by_requester=st.booleans())
    def dispute(self, task_id: int, by_requester: bool) -> None:
        party = self.requester(task_id) if by_requester else self.worker(task_id)
        self.attempt(party, "Escrow.dispute_escrow", task_id=task_id)

    @rule(task_id=TASK_IDS, pay_agent=st.booleans())
    def resolve_dispute(self, task_id: int, pay_agent: bool) -> None:
        self.attempt("arbiter", "Escrow.resolve_dispute", task_id=task_id, pay_agent=pay_agent)

    @rule(task_id=TASK_IDS, percent=st.integers(1, 60), approvals=st.integers(1, 2))
    def work_on_milestone(self, task_id: int, percent: int, approvals: int) -> None:
        """Add a milestone, complete it, and have it approved as often as it needs."""
        held: Escrow | None = escrow.ESCROWS.get(self.chain.snapshot(), task_id)
        amount, milestone_id = (held.amount * percent // 100, held.milestones + 1) if held else (1, 1)
        requester, milestone = self.requester(task_id), {"task_id": task_id, "milestone_id": milestone_id}
        added = self.market.milestone(task_id, amount, approvals=approvals)
        self.attempt(requester, "Escrow.add_milestone", **added)
        self.attempt(self.worker(task_id), "Escrow.complete_milestone", **milestone)
        for approver in (requester, "arbiter")[:approvals]:
            self.attempt(approver, "Escrow.approve_milestone", **milestone)

    @rule(name=PEOPLE, value=st.integers(10**14, 10**16))
    def bond(self, name: str, value: int) -> None:
        self.attempt(name, "Reputation.bond_reputation", value=value)

    @rule(name=PEOPLE, call=calls_of(batches=True))
    def do_anything(self, name: str, call: Call) -> None:
        self.attempt(name, f"{call.pallet}.{call.name}", **call.arguments)

    @rule(name=PEOPLE, outcome=st.sampled_from([True, False, 0, 1, 2, 3]))
    def judge(self, name: str, outcome: bool | int) -> None:
        """Let the arbiter report an outcome, or punish an offense of this code."""
        agent = self.person(name).account
        if isinstance(outcome, bool):
            self.attempt("arbiter", "Reputation.report_outcome", agent=agent, task_id=1, success=outcome)
        else:
            self.attempt("arbiter", "Reputation.slash_severe", agent=agent, offense_code=outcome)

    @rule(count=st.sampled_from([1, 5, 60]))
    def let_time_pass(self, count: int) -> None:
        self.chain.seal(count)

    def new_dust(self) -> Iterator[int]:
        """Yield what was lost with each account that has died since this was last asked."""
        while self.blocks_read < self.chain.best.number:
            self.blocks_read += 1
            block = self.chain.block_at(self.blocks_read)
            assert block is not None
            for event in self.chain.events(block):
                if event.name == "DustLost":
                    yield event.fields["amount"]

    def escrows(self) -> list[tuple[Task, Escrow]]:
        task_ids = range(1, NEXT_TASK_ID.get(self.chain.snapshot()))
        return [
            (stored(self.chain, TASKS, each), stored(self.chain, escrow.ESCROWS, each)) for each in task_ids
        ]

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        """The sum of all accounts changes by nothing but the dust of those that died."""
        self.dust += sum(self.new_dust())
        prefix = self.chain.runtime.codec.storage_key("System", "Account")
        accounts = [self.chain.account(key[-32:]) for key in self.chain.best.state.keys(prefix)]
        total = sum(account.data.free + account.data.reserved for account in accounts)
        assert total == ISSUANCE - self.dust
        assert total == balances.TOTAL_ISSUANCE.get(self.chain.snapshot())
        assert all(account.data.free >= balances.EXISTENTIAL_DEPOSIT for account in accounts)

    @invariant()
    def what_is_set_aside_is_what_open_escrows_and_bonds_hold(self) -> None:
        escrows = [held for _, held in self.escrows() if held.status in ("Funded", "Disputed")]
        for name in NAMES:
            account = self.person(name).account
            stake = STAKES.get(self.chain.snapshot(), account)
            held = sum(each.left for each in escrows if each.user == account)
            assert self.chain.account(account).data.reserved == held + (stake.staked if stake else 0)

    @invariant()
    def milestones_pay_at_most_the_cost_and_promise_at_most_the_budget(self) -> None:
        for task, held in self.escrows():
            assert held.paid <= (task.cost or 0) <= held.amount
            assert held.promised <= held.amount

    @invariant()
    def escrow_and_task_agree(self) -> None:
        for task, held in self.escrows():
            match task.status:
                case "Bidding" | "Revealing":
                    assert held.status == "Funded"
                case "Cancelled" | "Expired":
                    assert held.status == "Refunded"
                case "Failed":
                    assert held.status != "Funded"


TestMoney = MoneyMachine.TestCase
TestMoney.settings = settings(
    max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
