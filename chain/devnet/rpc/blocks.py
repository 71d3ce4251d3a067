"""`chain_*`: blocks and heads."""

from chain.devnet.faults import NotificationKind
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.methods import BLOCK_NUMBER_MAX, METHODS, find_block, read_count
from chain.devnet.rpc.render import hex_text, render_block, render_header
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.subscriptions import BestHeads, FinalizedHeads


@METHODS.method("chain_getHeader")
def get_header(session: Session, block_hash: Json = None) -> Json:
    """Return the header of a block, of the best one by default, null if it is unknown."""
    block = find_block(session, block_hash)
    return None if block is None else render_header(block.header)


@METHODS.method("chain_getBlock")
def get_block(session: Session, block_hash: Json = None) -> Json:
    """Return a block, the best one by default, null if it is unknown or the node has pruned its body."""
    block = find_block(session, block_hash)
    return None if block is None or session.host.pruning.has_discarded(block) else render_block(block)


@METHODS.method("chain_getBlockHash", "chain_getHead")
def get_block_hash(session: Session, number: Json = None) -> Json:
    """Return the hash of the block of a number, or of several, of the best one by default; null for none."""
    if number is None:
        return hex_text(session.chain.best.hash)
    if isinstance(number, list):
        return [_block_hash(session, each) for each in number]
    return _block_hash(session, number)


@METHODS.method("chain_getFinalizedHead")
def get_finalized_head(session: Session) -> Json:
    """Return the hash of the newest finalized block."""
    return hex_text(session.chain.finalized.hash)


@METHODS.method("chain_subscribeNewHeads")
def subscribe_new_heads(session: Session) -> Json:
    """Notify of every best block."""
    return session.subscribe(BestHeads("chain_newHeads", NotificationKind.NEW_HEAD, session.chain.best))


@METHODS.method("chain_unsubscribeNewHeads")
def unsubscribe_new_heads(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    return session.unsubscribe("chain_newHeads", subscription_id)


@METHODS.method("chain_subscribeAllHeads")
def subscribe_all_heads(session: Session) -> Json:
    """Notify of every block."""
    return session.subscribe(BestHeads("chain_allHeads", NotificationKind.ALL_HEAD, session.chain.best))


@METHODS.method("chain_unsubscribeAllHeads")
def unsubscribe_all_heads(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    return session.unsubscribe("chain_allHeads", subscription_id)


@METHODS.method("chain_subscribeFinalizedHeads")
def subscribe_finalized_heads(session: Session) -> Json:
    """Notify of finalized blocks."""
    return session.subscribe(FinalizedHeads(session.chain.finalized))


@METHODS.method("chain_unsubscribeFinalizedHeads")
def unsubscribe_finalized_heads(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    return session.unsubscribe(FinalizedHeads.family, subscription_id)


def _block_hash(session: Session, number: Json) -> str | None:
    block = session.chain.block_at(read_count(number, maximum=BLOCK_NUMBER_MAX))
    return None if block is None else hex_text(block.hash)
