"""`dev_*`: steering the chain. Real nodes have nothing of the kind."""

import asyncio

from chain.devnet.chain import FINALITY_LAG_BLOCKS_MAX
from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.methods import METHODS, read_count
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.session import Session

SEAL_BLOCKS_MAX = 10_000


@METHODS.method("dev_seal")
async def seal(session: Session, count: Json = 1) -> Json:
    """Make `count` blocks now, even while sealing is paused, and return their hashes."""
    hashes = []
    for _ in range(read_count(count, maximum=SEAL_BLOCKS_MAX)):
        hashes.append(hex_text(session.chain.seal().hash))
        await asyncio.sleep(0)  # so that notifications go out
    return hashes


@METHODS.method("dev_finalize")
def finalize(session: Session) -> Json:
    """Make the best block final now, and return its hash."""
    return hex_text(session.chain.finalize().hash)


@METHODS.method("dev_setFinalityLag")
def set_finality_lag(session: Session, blocks: Json) -> Json:
    """Finalize so many blocks behind the best one from now on, and what is old enough at once."""
    lag = read_count(blocks, maximum=FINALITY_LAG_BLOCKS_MAX)
    session.chain.set_finality_lag(lag)
    return lag


@METHODS.method("dev_pauseSealing")
def pause_sealing(session: Session) -> Json:
    """Make no more blocks but by `dev_seal`."""
    session.chain.pause_sealing()
    return True


@METHODS.method("dev_resumeSealing")
def resume_sealing(session: Session) -> Json:
    """Make blocks again as configured."""
    session.chain.resume_sealing()
    return True


@METHODS.method("dev_clearPool")
def clear_pool(session: Session) -> Json:
    """Lose all transactions in the pool, as in a restart, and return how many those were."""
    return session.chain.clear_pool()
