"""No sequence of calls makes or loses money, and what is set aside is always what the open escrows hold."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chain.devnet import DevChain, DevChainConfig, Sealing, TransactionRefused
from chain.devnet.chain import ENDOWED, ENDOWMENT_PLANCK
from chain.devnet.pallets import balances, escrow
from chain.devnet.pallets.tasks import NEXT_TASK_ID, TASKS
from chain.devnet.refusal import InvalidReason
from tests.chain.devnet.actors import SEAL_NONCE, Actor, Market, stored

ISSUANCE = len(ENDOWED) * ENDOWMENT_PLANCK + balances.EXISTENTIAL_DEPOSIT

AMOUNTS = st.one_of(
    st.integers(0, 2000),
    st.integers(0, 2 * 10**18),
    st.integers(10**18 - 2000, 10**18),
)
TASK_IDS = st.integers(1, 3)
PEOPLE = st.sampled_from(["alice", "bob", "charlie"])


class MoneyMachine(RuleBasedStateMachine):
    """Three people, each with an agent, do whatever they may or may not."""

    @initialize()
    def begin(self) -> None:
        self.chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, bidding_window_blocks=8, seed="money"))
        self.market = Market(self.chain)
        self.agents = {
            name: self.market.register(self.person(name), f"did:ex:{name}")
            for name in ("alice", "bob", "charlie")
        }

    def person(self, name: str) -> Actor:
        actor: Actor = getattr(self.market, name)
        return actor

    def requester(self, task_id: int) -> str:
        """Return whose task it is; somebody for one that does not exist."""
        task = TASKS.get(self.chain.snapshot(), task_id)
        names = [name for name in self.agents if task and self.person(name).account == task.requester]
        return names[0] if names else "alice"

    def dust(self) -> int:
        """Return what was lost with all accounts that have died so far."""
        blocks = [self.chain.block_at(number) for number in range(1, self.chain.best.number + 1)]
        events = [event for block in blocks if block for event in self.chain.events(block)]
        return sum(event.fields["amount"] for event in events if event.name == "DustLost")

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
    def release_payment(self, task_id: int) -> None:
        self.attempt(self.requester(task_id), "Escrow.release_payment", task_id=task_id)

    @rule(count=st.integers(1, 6))
    def let_time_pass(self, count: int) -> None:
        self.chain.seal(count)

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        """The sum of all accounts changes by nothing but the dust of those that died."""
        prefix = self.chain.runtime.codec.storage_key("System", "Account")
        accounts = [self.chain.account(key[-32:]) for key in self.chain.best.state.keys(prefix)]
        total = sum(account.data.free + account.data.reserved for account in accounts)
        assert total == ISSUANCE - self.dust()
        assert total == balances.TOTAL_ISSUANCE.get(self.chain.snapshot())
        assert all(account.data.free >= balances.EXISTENTIAL_DEPOSIT for account in accounts)

    @invariant()
    def what_is_set_aside_is_what_open_escrows_hold(self) -> None:
        snapshot = self.chain.snapshot()
        task_ids = range(1, NEXT_TASK_ID.get(snapshot))
        escrows = [stored(self.chain, escrow.ESCROWS, task_id) for task_id in task_ids]
        for name in self.agents:
            account = self.person(name).account
            held = sum(each.amount for each in escrows if each.user == account and each.status == "Funded")
            assert self.chain.account(account).data.reserved == held

    @invariant()
    def escrow_and_task_agree(self) -> None:
        snapshot = self.chain.snapshot()
        for task_id in range(1, NEXT_TASK_ID.get(snapshot)):
            status = stored(self.chain, TASKS, task_id).status
            held = stored(self.chain, escrow.ESCROWS, task_id).status
            if status in ("Cancelled", "Expired", "Failed"):
                assert held == "Refunded"
            elif status == "Completed":
                assert held in ("Funded", "Released")
            else:
                assert held == "Funded"


TestMoney = MoneyMachine.TestCase
TestMoney.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
