"""`dev_*`: letting things go wrong. docs/devnet-faults.md shows what for.

Where a fault takes a `count`, null lasts until told otherwise and 0 ends it. "*" stands for every kind of
notification, or for every method but the `dev_*` ones.
"""

from chain.devnet.faults import COUNT_MAX, EVERY, PADDED_BYTES_MAX
from chain.devnet.rpc.errors import Json, invalid_params
from chain.devnet.rpc.methods import METHODS, read_count
from chain.devnet.rpc.session import Session


@METHODS.method("dev_dropConnections")
def drop_connections(session: Session, after_messages: Json = 0) -> Json:
    """Cut all other connections without a closing handshake, and return how many there are.

    With `after_messages`, they are cut once the node has sent them so many messages more, taken together.
    """
    return session.host.drop_connections(session, read_count(after_messages, maximum=COUNT_MAX))


@METHODS.method("dev_refuseConnections")
def refuse_connections(session: Session, attempts: Json = None) -> Json:
    """Be away: let the next attempts to connect fail with the HTTP status 503. Open connections stay open."""
    session.host.faults.refuse_connections(_read_number(attempts))
    return True


@METHODS.method("dev_swallowNotifications")
def swallow_notifications(session: Session, kind: Json = EVERY, count: Json = None) -> Json:
    """Do not send the next notifications of a kind, such as `chain_finalizedHead`, to anybody."""
    try:
        session.host.faults.swallow_notifications(kind, _read_number(count))
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return True


@METHODS.method("dev_duplicateNotifications")
def duplicate_notifications(session: Session, kind: Json = EVERY, count: Json = None) -> Json:
    """Send the next notifications of a kind twice."""
    try:
        session.host.faults.duplicate_notifications(kind, _read_number(count))
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return True


@METHODS.method("dev_delayResponses")
def delay_responses(session: Session, method: Json, seconds: Json, seconds_max: Json = None) -> Json:
    """Carry calls of a method out at once, but answer them so many seconds later; 0 ends it.

    With `seconds_max` each delay is drawn from between the two, by the chain's seed. Answers to other calls
    overtake. A batch waits as long as the slowest of its calls.
    """
    for limit in (seconds, 0 if seconds_max is None else seconds_max):
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise invalid_params(f"expected seconds, got {limit!r:.80}")
    try:
        session.host.faults.delay_responses(_read_method(method), seconds, seconds_max)
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return True


@METHODS.method("dev_oversizeResponses")
def oversize_responses(session: Session, method: Json, length_bytes: Json, count: Json = 1) -> Json:
    """Pad the next answers to a method with spaces to a length, at most 256 MiB, above a client's limit."""
    length = read_count(length_bytes, maximum=PADDED_BYTES_MAX)
    session.host.faults.oversize_responses(_read_method(method), length, _read_number(count))
    return True


@METHODS.method("dev_limitResponses")
def limit_responses(session: Session, length_bytes: Json = None) -> Json:
    """Answer "Response is too big" above this length, and return it; by default above the usual 15 MiB."""
    length = None if length_bytes is None else read_count(length_bytes, maximum=PADDED_BYTES_MAX)
    session.host.faults.limit_responses(length)
    return session.host.faults.response_bytes_max


@METHODS.method("dev_blackHole")
def black_hole(session: Session, blocks: Json = None) -> Json:
    """Acknowledge submitted extrinsics unread with their hash, but lose them, for so many blocks.

    Their watchers are told nothing. What is in the pool already stays there.
    """
    count = _read_number(blocks)
    if count == 0:
        session.host.faults.close_black_hole()
    else:
        session.host.faults.open_black_hole(None if count is None else session.chain.best.number + count)
    return True


@METHODS.method("dev_stopChainHead")
def stop_chain_head(session: Session) -> Json:
    """Tell all followers of `chainHead_v1_follow` to `stop`, and return how many there were."""
    return session.host.stop_chain_head()


@METHODS.method("dev_clearFaults")
def clear_faults(session: Session) -> Json:
    """Switch all faults off."""
    session.host.clear_faults()
    return True


@METHODS.method("dev_struckFaults")
def struck_faults(session: Session) -> Json:
    """Return how often each fault has struck, of those that have."""
    return {str(fault): count for fault, count in session.host.faults.struck.items() if count}


def _read_number(count: Json) -> int | None:
    return None if count is None else read_count(count, maximum=COUNT_MAX)


def _read_method(method: Json) -> str:
    if not isinstance(method, str) or (method != EVERY and method not in METHODS):
        raise invalid_params(f"expected a method of rpc_methods or {EVERY}, got {method!r:.80}")
    return method
