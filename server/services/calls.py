"""Shared by the methods of all services: committing a mutation and paging a list."""

import asyncio
from typing import Any, TypeAlias, TypeVar

from server.interceptor import Context, current_call
from server.paging import Pages
from storage.audit.deeds import ANONYMOUS
from storage.outcome import Mutation
from storage.requests import RequestKey, request_key
from storage.store import Storage

CORRELATION_METADATA_KEY = "x-correlation-id"

Item = TypeVar("Item")
Answer = TypeVar("Answer")
MutationRequest: TypeAlias = Any
"""A message with a `request_id`."""


class Calls:
    """The base of the services."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._pages = Pages(storage)

    async def _commit(self, mutation: Mutation[Item, Answer], item: Item, request: MutationRequest) -> Answer:
        """Commit what `request` asks for, once for its request id, within the deadline of the call.

        Takes the request id out of the request.
        """
        call = current_call()
        try:
            return await self._storage.commit(
                mutation,
                item,
                request=key_of(request),
                deed=call.deed,
                deadline=call.deadline(),
                size_bytes=request.ByteSize(),
                on_taken=call.enter_commit,
            )
        except asyncio.CancelledError:
            call.leave_commit()
            raise


def key_of(request: MutationRequest) -> RequestKey | None:
    """The key of a mutation that has a request id; the id is taken out of the request.

    Methods are told apart by the types of their requests: a task that is created by a batch and then by
    a call of its own, with the same id, is created once.
    """
    request_id: str = request.request_id
    if not request_id:
        return None
    request.ClearField("request_id")
    method, body = request.DESCRIPTOR.full_name, request.SerializeToString(deterministic=True)
    return request_key(ANONYMOUS, method, request_id, body)


def tell_correlation(context: Context, correlation_id: str) -> None:
    """Put the correlation id of what the chain was asked for into the trailing metadata."""
    if correlation_id:
        context.set_trailing_metadata(((CORRELATION_METADATA_KEY, correlation_id),))
        current_call().correlation_id = correlation_id
