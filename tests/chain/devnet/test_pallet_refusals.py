"""Every error that a pallet declares can be provoked, says its name, and leaves nothing else behind."""

import pytest

from chain.devnet import DevChain
from chain.devnet.pallets.agent_registry import AGENTS
from chain.devnet.runtime import PALLETS
from tests.chain.devnet import agreement_refusals, escrow_refusals, market_refusals  # noqa: F401 for SCENARIOS
from tests.chain.devnet.actors import UNIT, Actor, Market, stored
from tests.chain.devnet.refusals import SCENARIOS, result


def state_but_for_the_block(chain: DevChain, signer: Actor) -> dict[bytes, bytes | None]:
    """The whole state without what every block changes, and without the signer's nonce."""
    codec, state = chain.runtime.codec, chain.best.state
    changing = tuple(
        codec.storage_key("System", item)
        for item in ("Number", "ParentHash", "BlockHash", "Digest", "Events", "EventCount")
    )
    skipped = (*changing, codec.storage_key("Timestamp", "Now"))
    entries = {key: state.get(key) for key in state.keys(b"") if not key.startswith(skipped)}
    account_key = codec.storage_key("System", "Account", signer.account)
    account = entries[account_key]
    assert account is not None
    return entries | {account_key: account[4:]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_refused_call_reports_its_error_and_changes_nothing_but_the_nonce(
    name: str, chain: DevChain, market: Market
) -> None:
    error, _ = name.split(": ")
    signer, call, arguments = SCENARIOS[name](market)
    before, nonce_before = state_but_for_the_block(chain, signer), chain.account(signer.account).nonce
    outcome = signer.do(call, **arguments)
    reported = chain.runtime.codec.dispatch_error(outcome.events[-1].fields["dispatch_error"])
    assert (f"{reported.pallet}.{reported.name}" if reported.pallet else reported.name) == error
    assert [event.name for event in outcome.events] == ["ExtrinsicFailed"]
    assert state_but_for_the_block(chain, signer) == before
    assert chain.account(signer.account).nonce == nonce_before + 1


def test_every_declared_error_is_provoked_above() -> None:
    declared = {f"{pallet.name}.{error.name}" for pallet in PALLETS for error in pallet.errors}
    provoked = {name.split(": ")[0] for name in SCENARIOS}
    assert declared <= provoked


def test_limits_are_inclusive(chain: DevChain, market: Market) -> None:
    agent_id = market.register(
        market.bob, "d" * 128, capabilities=["c" * 256] * 64, metadata="m" * 1024, attestation="a" * 4096
    )
    assert len(stored(chain, AGENTS, agent_id).capabilities) == 64
    task_id = market.create_task()
    market.assign(task_id, agent_id, "d" * 128, UNIT)
    assert (
        market.bob.do("TaskMarket.submit_result", **result(task_id, agent_id, proof=b"p" * 4096)).error
        is None
    )
