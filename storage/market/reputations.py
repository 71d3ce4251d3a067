"""The standing of accounts: added up from what the chain reports, and how it is read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage import facts
from storage.errors import AgentNotFound
from storage.fetcher import query
from storage.limits import AMOUNT_MAX
from storage.market.workset import AGENTS, REPUTATIONS, Workset
from storage.outcome import Outcome
from storage.records import Reputation
from storage.transaction import Transaction


def project(fact: facts.ReputationFact, work: Workset) -> str:
    """Count a fact unless it was counted before; what was unexpected about it, or nothing."""
    if not work.counted.take(fact.position, fact.account_address):
        return ""
    account = work.reputations.get(fact.account_address)
    if account is None:
        account = Reputation(account_address=fact.account_address)
        account = work.reputations.add(msgspec.structs.replace(account, **_changed(account, fact)))
    else:
        account = work.reputations.change(account, **_changed(account, fact))
    missing = account.unbonded + account.slashed - account.bonded
    return "more stake was taken than is known here" if missing > 0 else ""


def _changed(account: Reputation, fact: facts.ReputationFact) -> dict[str, Any]:
    match fact:
        case facts.StakeBonded(amount=amount):
            return {"bonded": min(account.bonded + amount, AMOUNT_MAX)}
        case facts.StakeUnbonded(amount=amount):
            return {"unbonded": min(account.unbonded + amount, AMOUNT_MAX)}
        case facts.OutcomeReported(success=True):
            return {"tasks_completed": account.tasks_completed + 1}
        case facts.OutcomeReported():
            return {"tasks_failed": account.tasks_failed + 1}
        case facts.ReputationMoved(slashed=slashed):
            taken = {"slashed": min(account.slashed + slashed, AMOUNT_MAX)}
            newest = fact.position > account.score_position
            return taken | ({"score": fact.score, "score_position": fact.position} if newest else {})
        case facts.SeverelySlashed():
            return {"severe_slashes": account.severe_slashes + 1}
    raise TypeError(f"no projection for {type(fact).__name__}")


@query
def get_of_agent(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Reputation]]:
    """The standing of each agent's account, by agent id; without any report, all of it is 0.

    The address is empty as long as the agent has no account. Refusals: AgentNotFound.
    """
    address_of = {agent.agent_id: agent.account_address for agent in AGENTS.load(tx, keys, lock=False)}
    addresses = {address for address in address_of.values() if address}
    found = {row.account_address: row for row in REPUTATIONS.load(tx, addresses, lock=False)}
    return [
        found.get(address_of[key]) or Reputation(account_address=address_of[key], revision=0)
        if key in address_of
        else AgentNotFound(key)
        for key in keys
    ]
