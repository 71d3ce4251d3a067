"""`author_*`: submitting and watching transactions."""

from chain.devnet.block import blake2_256
from chain.devnet.refusal import TransactionRefused
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.methods import METHODS, read_bytes
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.subscriptions import TransactionWatch


@METHODS.method("author_submitExtrinsic")
def submit_extrinsic(session: Session, extrinsic: Json) -> Json:
    """Take an extrinsic into the pool and return its hash."""
    return hex_text(session.submit(read_bytes(extrinsic)))


@METHODS.method("author_submitAndWatchExtrinsic")
def submit_and_watch_extrinsic(session: Session, extrinsic: Json) -> Json:
    """Take an extrinsic into the pool, and notify of what becomes of it."""
    raw = read_bytes(extrinsic)
    subscription_id = session.subscribe(TransactionWatch(blake2_256(raw)))
    try:
        session.submit(raw)
    except TransactionRefused:
        session.unsubscribe(TransactionWatch.family, subscription_id)
        raise
    return subscription_id


@METHODS.method("author_unwatchExtrinsic")
def unwatch_extrinsic(session: Session, subscription_id: Json) -> Json:
    """Watch no longer; the extrinsic stays in the pool."""
    return session.unsubscribe(TransactionWatch.family, subscription_id)


@METHODS.method("author_pendingExtrinsics")
def pending_extrinsics(session: Session) -> Json:
    """Return the extrinsics that are ready."""
    return [hex_text(transaction.raw) for transaction in session.chain.pending()]
