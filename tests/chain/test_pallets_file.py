"""The user's table of calls and events: what it changes, and how it is refused."""

from pathlib import Path

import pytest

from chain.devnet import DevChain, DevChainConfig
from chain.devnet.config import Sealing
from chain.pallets import CALLS, DEFAULT, EVENTS
from chain.pallets_check import missing_in
from chain.pallets_file import BadPallets, load
from storage import facts
from storage.lifecycle import TaskStatus
from storage.records import Action


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pallets.toml"


def test_an_empty_file_is_the_built_in_table(file: Path) -> None:
    file.write_text("")
    assert load(file) == DEFAULT


def test_a_pallet_is_renamed_in_all_its_calls_and_events(file: Path) -> None:
    file.write_text('[pallets]\nTaskMarket = "Jobs"')
    loaded = load(file)
    assert {rule.pallet for rule in loaded.calls.values()} == {"AgentRegistry", "Jobs", "Escrow"}
    assert loaded.events["Jobs", "TaskCreated"] == EVENTS["TaskMarket", "TaskCreated"]
    assert ("TaskMarket", "TaskCreated") not in loaded.events
    assert len(loaded.events) == len(EVENTS)


def test_a_call_that_is_renamed_still_tells_what_its_events_do_not(file: Path) -> None:
    file.write_text('[calls.submit_bid]\ncall = "offer"')
    loaded = load(file)
    assert loaded.call_name(Action.SUBMIT_BID) == ("TaskMarket", "offer")
    assert loaded.calls[Action.SUBMIT_BID].arguments == CALLS[Action.SUBMIT_BID].arguments
    assert loaded.cause_of("TaskMarket", "BidSubmitted") == "offer"
    assert loaded.calls[Action.REVEAL_BID] == CALLS[Action.REVEAL_BID]


def test_an_event_is_added_renamed_or_changed(file: Path) -> None:
    file.write_text(
        """
        [events.TaskMarket.TaskAbandoned]
        fact = "TaskMoved"
        fields = { chain_task_id = "id", error = "why" }
        constants = { status = "failed" }

        [events.TaskMarket.TaskPosted]
        from = "TaskMarket.TaskCreated"
        fields = { budget = "reward", deadline_block = "" }
        """
    )
    loaded = load(file)
    added = loaded.events["TaskMarket", "TaskAbandoned"]
    assert (added.fact, added.constants) == (facts.TaskMoved, {"status": TaskStatus.FAILED})
    assert added.fields == {"chain_task_id": "id", "error": "why"}
    renamed = loaded.events["TaskMarket", "TaskPosted"]
    assert ("TaskMarket", "TaskCreated") not in loaded.events
    assert (renamed.fields["budget"], renamed.fields["chain_task_id"]) == ("reward", "task_id")
    assert "deadline_block" not in renamed.fields
    assert renamed.call == "create_task"


def test_a_constant_takes_the_place_of_a_field_and_the_other_way_round(file: Path) -> None:
    file.write_text(
        """
        [events.AgentRegistry.AgentStatusForced]
        constants = { status = "suspended" }
        [events.AgentRegistry.AgentRetired]
        fields = { status = "state" }
        """
    )
    loaded = load(file)
    assert "status" not in loaded.events["AgentRegistry", "AgentStatusForced"].fields
    assert loaded.events["AgentRegistry", "AgentRetired"].constants == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[calls", "is not TOML"),
        ("colour = 1", "colour is unknown; expected one of pallets, calls, events"),
        ("pallets = 3", "pallets must be a table"),
        ('[pallets]\nNothing = "X"', "[pallets] Nothing is not a pallet of the built-in table"),
        ("[pallets]\nEscrow = 7", "[pallets] Escrow must be a non-empty string"),
        ("[calls.fly]", "[calls] fly is unknown; expected one of register_agent"),
        ('[calls.create_task]\nname = "x"', "[calls.create_task] name is unknown"),
        ('[calls.create_task]\ncall = ""', "[calls.create_task] call must be a non-empty string"),
        (
            '[calls.create_task.arguments]\nspec = "task.nothing"',
            "[calls.create_task] arguments.spec refers to 'task.nothing', which is not of the form task.<",
        ),
        (
            '[calls.create_task.arguments]\nspec = "agent.label"',
            "[calls.create_task] arguments.spec refers to 'agent.label'",
        ),
        (
            '[calls.submit_bid.arguments]\nx = "bid"',
            "which is not of the form agent.<field> or bid.<field> or task.<field>",
        ),
        (
            "[calls.settle_task]\nconstants = { task_id = 1 }",
            "[calls.settle_task] constants.task_id is among the arguments, too",
        ),
        ("[calls.create_task.arguments]\nspec = 4", "[calls.create_task] arguments.spec must be a string"),
        ("[events]\nJobs = 1", "[events] Jobs must be a table"),
        ("[events.Jobs.Posted]", "[events.Jobs.Posted] fact is required"),
        ('[events.Jobs.Posted]\nfact = "Fact"', "fact 'Fact' is unknown; expected one of Agent"),
        (
            '[events.Jobs.Posted]\nfact = "TaskMoved"',
            "must give chain_task_id, status, which TaskMoved needs",
        ),
        (
            '[events.Jobs.Posted]\nfrom = "Jobs.Nothing"',
            "[events.Jobs.Posted] from names 'Jobs.Nothing', which is not an event of the built-in table",
        ),
        (
            '[events.Escrow.PaymentReleased]\nfields = { tip = "tip" }',
            "[events.Escrow.PaymentReleased] fields.tip is not a field of the fact; expected one of chain",
        ),
        (
            '[events.Escrow.PaymentReleased]\nfields = { fee = "call.fee" }',
            "fields.fee refers to 'call.fee', but the key call names no call",
        ),
        (
            '[events.Escrow.PaymentReleased]\nfields = { fee = "data.fee" }',
            "fields.fee refers to 'data.fee', which is neither a field of an event nor call.<argument>",
        ),
        (
            '[events.TaskMarket.TaskExpired]\nconstants = { status = "over" }',
            "[events.TaskMarket.TaskExpired] constants.status does not fit: Invalid enum value 'over'",
        ),
        (
            "[events.Reputation.ReputationBonded]\nconstants = { position = 1 }",
            "constants.position is not a field of the fact",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_file_table_and_key(
    file: Path, text: str, error: str
) -> None:
    file.write_text(text)
    with pytest.raises(BadPallets) as refusal:
        load(file)
    assert str(refusal.value).startswith(str(file))
    assert error in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(BadPallets, match=r"cannot read .*: No such file"):
        load(file)


def test_the_runtime_of_the_development_chain_has_all_of_the_built_in_table() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL))
    assert missing_in(DEFAULT, chain.runtime.codec) == ()


def test_what_a_runtime_does_not_have_is_named(file: Path) -> None:
    file.write_text(
        """
        [pallets]
        Commitments = "Pacts"
        [calls.settle_task]
        call = "pay"
        [calls.close_bidding.arguments]
        job = "task.chain_task_id"
        [calls.dispute_task]
        constants = { asset = 7 }
        [events.TaskMarket.TaskLost]
        fact = "TaskMoved"
        fields = { chain_task_id = "id" }
        constants = { status = "failed" }
        [events.TaskMarket.TaskCreated]
        fields = { budget = "reward", spec_hash = "call.spec" }
        """
    )
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL))
    assert set(missing_in(load(file), chain.runtime.codec)) == {
        "settle_task: pallet Escrow has no call pay",
        "close_bidding: call TaskMarket.close_bidding has no argument job",
        "close_bidding: call TaskMarket.close_bidding wants an argument task_id,"
        " which the table does not give",
        "dispute_task: call Escrow.dispute_escrow has no argument asset",
        "no pallet Pacts",
        "pallet TaskMarket has no event TaskLost",
        "event TaskMarket.TaskCreated has no field reward",
        "call TaskMarket.create_task has no argument spec",
    }
