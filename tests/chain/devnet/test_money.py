"""No sequence of calls makes or loses money, and what is set aside is always what the open escrows hold."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chain.devnet import DevChain, DevChainConfig, Sealing
from chain.devnet.pallets import balances, escrow
from chain.devnet.pallets.tasks import NEXT_TASK_ID, TASKS
from tests.chain.devnet.actors import SEAL_NONCE, Actor, Market, stored

ISSUANCE = 6 * 10**18 + balances.EXISTENTIAL_DEPOSIT

AMOUNTS = st.one_of(
    st.integers(0, 2000),
    st.integers(0, 2 * 10**18),
    st.integers(10**18 - 2000, 10**18),
)
TASK_IDS = st.integers(1, 6)
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

    def attempt(self, name: str, call: str, **arguments: object) -> None:
        """Do it if the account still exists; the chain may refuse the call as it likes."""
        if self.chain.account(self.person(name).account).providers:
            self.person(name).do(call, **arguments)

    @rule(name=PEOPLE, to=PEOPLE, value=AMOUNTS, keep_alive=st.booleans())
    def transfer(self, name: str, to: str, value: int, keep_alive: bool) -> None:
        call = "transfer_keep_alive" if keep_alive else "transfer_allow_death"
        self.attempt(name, f"Balances.{call}", dest=self.person(to).account, value=value)

    @rule(name=PEOPLE, budget=AMOUNTS, blocks=st.integers(1, 12))
    def create_task(self, name: str, budget: int, blocks: int) -> None:
        self.attempt(name, "TaskMarket.create_task", **self.market.task(budget=budget, blocks=blocks))

    @rule(name=PEOPLE, task_id=TASK_IDS)
    def cancel_task(self, name: str, task_id: int) -> None:
        self.attempt(name, "TaskMarket.cancel_task", task_id=task_id)

    @rule(name=PEOPLE, task_id=TASK_IDS, cost=AMOUNTS)
    def win_task(self, name: str, task_id: int, cost: int) -> None:
        """Bid, and have the requester assign the task to this bid."""
        task = TASKS.get(self.chain.snapshot(), task_id)
        requester = next(
            (who for who in self.agents if task and self.person(who).account == task.requester), None
        )
        if requester is None:
            return
        agent_id = self.agents[name]
        bid = self.market.bid(task_id, agent_id, f"did:ex:{name}", cost)
        self.attempt(name, "TaskMarket.submit_bid", **bid)
        self.attempt(requester, "TaskMarket.close_bidding", task_id=task_id)
        self.attempt(
            name, "TaskMarket.reveal_bid", task_id=task_id, agent_id=agent_id, cost=cost, nonce=SEAL_NONCE
        )
        self.attempt(requester, "TaskMarket.allocate_task", task_id=task_id)

    @rule(name=PEOPLE, task_id=TASK_IDS)
    def submit_result(self, name: str, task_id: int) -> None:
        agent_id = self.agents[name]
        arguments = {"task_id": task_id, "agent_id": agent_id, "result_hash": bytes(32), "proof": b""}
        self.attempt(name, "TaskMarket.submit_result", **arguments)

    @rule(name=PEOPLE, task_id=TASK_IDS)
    def release_payment(self, name: str, task_id: int) -> None:
        self.attempt(name, "Escrow.release_payment", task_id=task_id)

    @rule(count=st.integers(1, 6))
    def let_time_pass(self, count: int) -> None:
        self.chain.seal(count)

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        snapshot, codec = self.chain.snapshot(), self.chain.runtime.codec
        prefix = codec.storage_key("System", "Account")
        accounts = [self.chain.account(key[-32:]) for key in self.chain.best.state.keys(prefix)]
        total = sum(account.data.free + account.data.reserved for account in accounts)
        assert total == balances.TOTAL_ISSUANCE.get(snapshot)
        burnt = ISSUANCE - total
        assert 0 <= burnt < balances.EXISTENTIAL_DEPOSIT * self.chain.best.number
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
