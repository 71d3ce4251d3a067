"""`dev_*`: steering the chain. Real nodes have nothing of the kind."""

import asyncio

from chain.devnet.chain import FORK_LENGTH_MAX, Retracted
from chain.devnet.config import FINALITY_LAG_BLOCKS_MAX, FINALITY_STEP_BLOCKS_MAX
from chain.devnet.filling import FILL_BLOCKS_MAX, FILL_EXTRINSICS, FILL_EXTRINSICS_MAX
from chain.devnet.revision import Change
from chain.devnet.rpc.errors import Json, invalid_params
from chain.devnet.rpc.methods import BLOCK_NUMBER_MAX, METHODS, read_choice, read_count, read_hash, read_list
from chain.devnet.rpc.pruning import WINDOW_BLOCKS_MAX
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


@METHODS.method("dev_fillBlocks")
async def fill_blocks(session: Session, count: Json, extrinsics: Json = FILL_EXTRINSICS) -> Json:
    """Make `count` blocks of so many extrinsics that nobody signed, and return the hash of the last block."""
    in_each = read_count(extrinsics, maximum=FILL_EXTRINSICS_MAX)
    for _ in range(read_count(count, maximum=FILL_BLOCKS_MAX)):
        session.chain.fill(1, in_each)
        await asyncio.sleep(0)  # so that notifications go out
    return hex_text(session.chain.best.hash)


@METHODS.method("dev_fork")
def fork(session: Session, depth: Json, length: Json = None, retracted: Json = "include") -> Json:
    """Replace the last `depth` blocks by a branch of `length` others, and return the hashes of these.

    `retracted` says what becomes of the transactions: `include` puts those that are still valid into the
    branch with whatever else is in the pool, `pool` leaves them in the pool and the branch empty, `lose`
    loses them.
    """
    blocks = read_count(depth, maximum=FORK_LENGTH_MAX)
    branch = None if length is None else read_count(length, maximum=FORK_LENGTH_MAX)
    try:
        made = session.chain.fork(blocks, branch, read_choice(retracted, Retracted))
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return [hex_text(block.hash) for block in made]


@METHODS.method("dev_upgradeRuntime")
def upgrade_runtime(session: Session, changes: Json = None, at: Json = None) -> Json:
    """Let the next block, or the one of number `at`, upgrade the runtime, and return the block's number.

    `changes` lists what the new metadata changes, everything by default; an empty list changes the version.
    """
    chosen = [read_choice(each, Change) for each in (list(Change) if changes is None else read_list(changes))]
    number = None if at is None else read_count(at, maximum=BLOCK_NUMBER_MAX)
    try:
        return session.chain.upgrade_runtime(chosen, number)
    except ValueError as error:
        raise invalid_params(str(error)) from error


@METHODS.method("dev_finalize")
def finalize(session: Session, number: Json = None) -> Json:
    """Make the best block final now, or the best chain up to a number, and return what is final then."""
    last = None if number is None else read_count(number, maximum=BLOCK_NUMBER_MAX)
    try:
        return hex_text(session.chain.finalize(last).hash)
    except ValueError as error:
        raise invalid_params(str(error)) from error


@METHODS.method("dev_setFinalityLag")
def set_finality_lag(session: Session, blocks: Json, step: Json = 1) -> Json:
    """Finalize so many blocks behind the best one from now on, at least `step` at once."""
    lag = read_count(blocks, maximum=FINALITY_LAG_BLOCKS_MAX)
    try:
        session.chain.set_finality_lag(lag, read_count(step, maximum=FINALITY_STEP_BLOCKS_MAX))
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return lag


@METHODS.method("dev_setPruning")
def set_pruning(session: Session, blocks: Json = None) -> Json:
    """Let this node have so many blocks behind the finalized one from now on, or be an archive for null."""
    window = None if blocks is None else read_count(blocks, maximum=WINDOW_BLOCKS_MAX)
    try:
        session.host.pruning.set_window(window)
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return True


@METHODS.method("dev_pauseFinality")
def pause_finality(session: Session) -> Json:
    """Let finality stall until it is resumed; `dev_finalize` works all the same."""
    session.chain.pause_finality()
    return True


@METHODS.method("dev_resumeFinality")
def resume_finality(session: Session) -> Json:
    """Let finality go on; what is old enough by now becomes final at once."""
    session.chain.resume_finality()
    return True


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


@METHODS.method("dev_dropTransaction")
def drop_transaction(session: Session, transaction_hash: Json) -> Json:
    """Lose one transaction of the pool, and tell whether it was there."""
    return session.chain.drop(read_hash(transaction_hash))


@METHODS.method("dev_banTransaction")
def ban_transaction(session: Session, transaction_hash: Json) -> Json:
    """Lose a transaction and refuse its bytes (1012) for half an hour of the chain's time."""
    session.chain.ban(read_hash(transaction_hash))
    return True


@METHODS.method("dev_liftBan")
def lift_ban(session: Session, transaction_hash: Json) -> Json:
    """Take these bytes again."""
    session.chain.lift_ban(read_hash(transaction_hash))
    return True
