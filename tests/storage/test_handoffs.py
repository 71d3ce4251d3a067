"""Handoffs: routed from role to role, moved as their table says, found by either."""

import time
from types import SimpleNamespace

import msgspec
import pytest

from storage.errors import HandoffNotFound, IdNotFound, InvalidTransition, StaleRevision
from storage.lifecycle import HandoffStatus
from storage.pages import PageRequest
from storage.sessions import handoffs
from storage.sessions.handoffs import HandoffUpdate, NewHandoff
from storage.sessions.lists import HandoffFilter
from storage.sessions.lists import handoffs as list_handoffs
from storage.sessions.records import Handoff
from storage.store import Storage
from tests.storage.conversation import opened_session, see
from tests.storage.items import now_us
from tests.storage.looking import a_request, all_of, count, dump


def a_handoff(**fields: object) -> NewHandoff:
    given: dict[str, object] = {"from_role": "planner", "to_role": "coder", "handoff_type": "review"}
    return NewHandoff(**given | fields)  # type: ignore[arg-type]


async def _routed(storage: Storage, **fields: object) -> Handoff:
    return await storage.commit(handoffs.route, a_handoff(**fields))


async def test_a_handoff_keeps_what_it_was_given_and_waits(local: Storage) -> None:
    handoff = await _routed(
        local, description="Look at it.", payload='{"a":1}', trace_id="trace", session_id="s"
    )
    assert (handoff.status, handoff.revision, handoff.payload) == (HandoffStatus.PENDING, 1, '{"a":1}')
    assert await local.fetch(handoffs.get, handoff.handoff_id) == handoff


async def test_the_same_request_routes_once(local: Storage) -> None:
    first = await local.commit(handoffs.route, a_handoff(), request=a_request("r"))
    assert await local.commit(handoffs.route, a_handoff(), request=a_request("r")) == first
    assert await count(local, "handoffs") == (1,)


async def test_a_handoff_is_taken_up_and_completed(local: Storage) -> None:
    handoff = await _routed(local)
    active = await local.commit(
        handoffs.update, HandoffUpdate(handoff_id=handoff.handoff_id, status=HandoffStatus.ACTIVE)
    )
    assert active.start_time_us == active.update_time_us
    done = await local.commit(
        handoffs.update,
        HandoffUpdate(
            handoff_id=handoff.handoff_id, status=HandoffStatus.COMPLETED, reason="ok", result='{"b":2}'
        ),
    )
    assert (done.status_reason, done.result, done.revision) == ("ok", '{"b":2}', 3)
    assert done.end_time_us
    assert await local.fetch(handoffs.get, handoff.handoff_id) == done


async def test_the_times_of_a_handoff_are_of_the_clock_of_the_database(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_us = now_us()
    clock = SimpleNamespace(time_ns=lambda: 1, monotonic=time.monotonic)
    monkeypatch.setattr("storage.committer.time", clock)
    handoff = await _routed(local)
    taken = await local.commit(
        handoffs.update, HandoffUpdate(handoff_id=handoff.handoff_id, status=HandoffStatus.ACTIVE)
    )
    assert taken.start_time_us is not None
    assert begin_us <= taken.create_time_us <= taken.start_time_us <= now_us()


async def test_of_two_who_take_up_the_same_revision_one_gets_it(local: Storage) -> None:
    handoff = await _routed(local)
    take = HandoffUpdate(handoff_id=handoff.handoff_id, status=HandoffStatus.ACTIVE, revision=1)
    first, second = await all_of(local, handoffs.update, take, take)
    assert first.status == HandoffStatus.ACTIVE
    assert isinstance(second, StaleRevision)


async def test_of_two_who_take_it_up_whatever_its_revision_one_gets_it(local: Storage) -> None:
    handoff = await _routed(local)
    take = HandoffUpdate(handoff_id=handoff.handoff_id, status=HandoffStatus.ACTIVE)
    first, second = await all_of(local, handoffs.update, take, take)
    assert first.status == HandoffStatus.ACTIVE
    assert isinstance(second, InvalidTransition)
    assert await local.fetch(handoffs.get, handoff.handoff_id) == first


async def test_a_second_result_does_not_replace_the_first(local: Storage) -> None:
    handoff = await _routed(local)
    for status, result in ((HandoffStatus.ACTIVE, ""), (HandoffStatus.COMPLETED, '{"b":1}')):
        update = HandoffUpdate(handoff_id=handoff.handoff_id, status=status, result=result)
        done = await local.commit(handoffs.update, update)
    with pytest.raises(InvalidTransition, match="is completed and cannot become completed"):
        await local.commit(handoffs.update, msgspec.structs.replace(update, result='{"b":2}'))
    assert await local.fetch(handoffs.get, handoff.handoff_id) == done


@pytest.mark.parametrize(
    "target", [HandoffStatus.COMPLETED, HandoffStatus.FAILED], ids=lambda status: str(status)
)
async def test_what_nobody_has_taken_up_cannot_end(local: Storage, target: HandoffStatus) -> None:
    handoff = await _routed(local)
    before = await dump(local)
    with pytest.raises(InvalidTransition):
        await local.commit(handoffs.update, HandoffUpdate(handoff_id=handoff.handoff_id, status=target))
    assert await dump(local) == before


async def test_a_handoff_that_does_not_exist_is_not_found(local: Storage) -> None:
    with pytest.raises(HandoffNotFound):
        await local.fetch(handoffs.get, "none")
    with pytest.raises(HandoffNotFound):
        await local.commit(handoffs.update, HandoffUpdate(handoff_id="none", status=HandoffStatus.CANCELLED))
    with pytest.raises(IdNotFound):
        await local.read(handoffs.status, "none")


async def test_a_status_is_answered_for_a_session_and_for_a_handoff(local: Storage) -> None:
    handoff, detail = await _routed(local), await opened_session(local)
    assert await local.read(handoffs.status, handoff.handoff_id) == handoff
    assert await local.read(handoffs.status, detail.session.session_id) == await see(local, detail)


async def test_handoffs_are_listed_oldest_first_by_target_and_status_each_once(local: Storage) -> None:
    made = [await _routed(local, to_role=role, trace_id=f"trace-{role}") for role in "abababa"]
    for handoff in made[:3]:
        await local.commit(
            handoffs.update, HandoffUpdate(handoff_id=handoff.handoff_id, status=HandoffStatus.CANCELLED)
        )

    async def listed(size: int, **fields: object) -> list[int]:
        seen: list[str] = []
        after = ""
        while True:
            wanted = HandoffFilter(page=PageRequest(size=size, after=after), **fields)  # type: ignore[arg-type]
            found = await local.read(list_handoffs, wanted)
            seen += [handoff.handoff_id for handoff in found.records]
            after = found.next_key
            if not after:
                ids = [handoff.handoff_id for handoff in made]
                return [ids.index(handoff_id) for handoff_id in seen]

    assert await listed(2) == [0, 1, 2, 3, 4, 5, 6]
    assert await listed(2, to_role="a") == [0, 2, 4, 6]
    assert await listed(2, to_role="a", status=HandoffStatus.PENDING) == [4, 6]
    assert await listed(2, status=HandoffStatus.CANCELLED) == [0, 1, 2]
    assert await listed(2, from_role="planner", trace_id="trace-b") == [1, 3, 5]
