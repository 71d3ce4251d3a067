"""The development chain: a Substrate node in miniature, for development and tests.

    python -m chain.devnet --port 9944 --block-time-ms 1000 --finality-lag 2

or, in a test:

    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL))
    async with DevNode(chain) as node:
        ...  # connect to node.url; chain.submit(raw), chain.seal(), chain.finalize() work beside

What is real: the metadata (V14, V15), the SCALE encoding of everything, hashes of blocks and extrinsics,
storage keys and values, signatures, nonces, mortality, dispatch with its events and errors, the pool and its
refusals, and the JSON-RPC surface that py-substrate-interface and polkadot-js use. What is not: the state and
extrinsics roots are hashes but no trie roots, weights are not metered, and there are no forks. The
state of every block is kept, but only while the process lives; without a seed each chain has a genesis hash
of its own, so a database that is bound to an earlier run is refused.

The accounts //Alice, //Bob, //Charlie, //Dave, //Eve, //Ferdie and //Arbiter (sr25519), who decides disputes,
own 10^18 planck each. A transaction pays a small fee for itself and for each of its bytes to the treasury.
The rules of the market lie in `pallets/`. With `DevChainConfig.names`, pallets, calls, events and fields have
other names.

Besides the methods of real nodes (`rpc_methods` lists all), these steer the chain:

- `dev_seal(count = 1)`: make so many blocks (at most 10,000) now, even while sealing is paused; returns their
  hashes.
- `dev_finalize()`: make the best block final now; returns its hash. Subscribers see that head only.
- `dev_setFinalityLag(blocks)`: finalize so many blocks behind the best one from now on, and what is old
  enough at once. A large lag stalls finality; lowering it finalizes many blocks together.
- `dev_pauseSealing()`, `dev_resumeSealing()`: make no blocks but by `dev_seal`; make them again.
- `dev_clearPool()`: lose the pool, as in a restart; watchers are told `dropped`. Returns how many were lost.
- `dev_dropConnections()`: cut all other connections without a closing handshake; returns how many.
"""

from chain.devnet.chain import DevChain, Retracted
from chain.devnet.config import DevChainConfig, Sealing
from chain.devnet.node import DevNode
from chain.devnet.refusal import TransactionRefused
from chain.devnet.revision import Change

__all__ = ["Change", "DevChain", "DevChainConfig", "DevNode", "Retracted", "Sealing", "TransactionRefused"]
