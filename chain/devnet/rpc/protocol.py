"""JSON-RPC 2.0: from a client's message to the node's answer. https://www.jsonrpc.org/specification"""

import inspect
import json
import logging

from chain.devnet.refusal import TransactionRefused
from chain.devnet.rpc import (  # noqa: F401 - they fill the table of methods
    archive,
    author,
    blocks,
    broadcast,
    chain_head,
    chain_spec,
    dev,
    faults,
    state,
    system,
)
from chain.devnet.rpc.errors import (
    Json,
    RpcError,
    batch_response_too_big,
    batch_too_big,
    internal_error,
    invalid_params,
    invalid_request,
    method_not_found,
    parse_error,
    response_too_big,
)
from chain.devnet.rpc.methods import METHODS
from chain.devnet.rpc.session import Answer, Session

BATCH_CALLS_MAX = 1000

_log = logging.getLogger(__name__)


async def answer(session: Session, message: str | bytes) -> Answer | None:
    """Return the answer to a message as the faults let it be, or None where it wants none."""
    try:
        request = json.loads(message)
    except ValueError:
        return Answer(_encode(_failure(None, parse_error())))
    many = isinstance(request, list)
    text = await (_answer_batch(session, request) if many else _answer_single(session, request))
    if text is None:
        return None
    methods = _methods(request if many else [request])
    active = session.host.faults
    return Answer(text.ljust(active.padded_bytes(methods)), active.delay_seconds(methods))


async def _answer_single(session: Session, request: Json) -> str | None:
    """Return the answer to one call. One that is too long is an error instead."""
    response = await _answer_one(session, request)
    if response is None:
        return None
    encoded = _encode(response)
    limit = session.host.faults.response_bytes_max
    return encoded if len(encoded) <= limit else _encode(_failure(response["id"], response_too_big(limit)))


async def _answer_batch(session: Session, requests: list[Json]) -> str | None:
    """Return the answers to several calls. If they are too long together, they are one error instead."""
    if not requests:
        return _encode(_failure(None, invalid_request()))
    if len(requests) > BATCH_CALLS_MAX:
        return _encode(_failure(None, batch_too_big(BATCH_CALLS_MAX)))
    limit = session.host.faults.response_bytes_max
    encoded: list[str] = []
    length = 0
    for request in requests:
        response = await _answer_single(session, request)
        if response is not None:
            encoded.append(response)
            length += len(response) + 1
        if length > limit:
            return _encode(_failure(None, batch_response_too_big(limit)))
    return f"[{','.join(encoded)}]" if encoded else None


async def _answer_one(session: Session, request: Json) -> Json | None:
    match request:
        case {"jsonrpc": "2.0", "id": str() | int() | None as request_id, "method": str() as method}:
            pass
        case {"jsonrpc": "2.0", "method": str()} if "id" not in request:
            return None
        case _:
            request_id = request.get("id") if isinstance(request, dict) else None
            return _failure(request_id if isinstance(request_id, str | int) else None, invalid_request())
    try:
        return {
            "jsonrpc": "2.0",
            "id": request_id,
            "result": await _call(session, method, request.get("params")),
        }
    except RpcError as error:
        return _failure(request_id, error)
    except TransactionRefused as refusal:
        return _failure(request_id, RpcError(refusal.code, refusal.message, refusal.explanation))
    except Exception:
        _log.exception("%s failed", method)
        return _failure(request_id, internal_error())


async def _call(session: Session, method: str, parameters: Json) -> Json:
    if method not in METHODS:
        raise method_not_found()
    if parameters is None:
        parameters = []
    if not isinstance(parameters, list):
        raise invalid_params("parameters are taken by position only")
    result = METHODS.call(session, method, parameters)
    return await result if inspect.isawaitable(result) else result


def _methods(requests: list[Json]) -> list[str]:
    """Return which methods are called, as far as these are calls."""
    named = (request.get("method") for request in requests if isinstance(request, dict))
    return [method for method in named if isinstance(method, str)]


def _failure(request_id: Json, error: RpcError) -> Json:
    body: dict[str, Json] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def _encode(message: Json) -> str:
    return json.dumps(message, separators=(",", ":"))
