"""The development chain under other names: the same bytes, told otherwise by the metadata."""

import pytest

from chain.devnet import DevChain, DevChainConfig
from chain.devnet.config import Sealing
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime

NAMES = {
    "TaskMarket": "Jobs",
    "TaskMarket.create_task": "post",
    "TaskMarket.create_task.budget": "reward",
    "TaskMarket.TaskCreated.requester": "poster",
}


def shown(version: int, names: dict[str, str]) -> Runtime:
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, names=names))
    return Runtime(parse_metadata(chain.runtime.metadata[version]), 1, 1)


@pytest.mark.parametrize("version", [14, 15])
def test_calls_and_events_have_their_new_names_and_their_old_bytes(version: int) -> None:
    usual, renamed = shown(version, {}), shown(version, NAMES)
    arguments = {"spec_hash": b"s" * 32, "deadline": 9, "verification_level": "Tee"}
    call = usual.encode_call("TaskMarket", "create_task", arguments | {"budget": 7})
    assert renamed.encode_call("Jobs", "post", arguments | {"reward": 7}) == call
    assert renamed.decode_call(call).arguments["reward"] == 7
    event = usual.encode_event(
        "TaskMarket", "TaskCreated", {"task_id": 1, "requester": b"r" * 32, "budget": 7}
    )
    same = {"task_id": 1, "poster": b"r" * 32, "budget": 7}
    assert renamed.encode_event("Jobs", "TaskCreated", same) == event
    assert renamed.storage_key("Jobs", "Tasks", 1) == usual.storage_key("TaskMarket", "Tasks", 1)
    assert "Escrow" in renamed.metadata.pallets
    assert "TaskMarket" not in renamed.metadata.pallets


@pytest.mark.parametrize("name", ["Nothing", "TaskMarket.fly", "TaskMarket.create_task.colour"])
def test_what_does_not_exist_cannot_be_renamed(name: str) -> None:
    with pytest.raises(ValueError, match=f"the runtime has no {name}"):
        DevChain(DevChainConfig(names={name: "x"}))
