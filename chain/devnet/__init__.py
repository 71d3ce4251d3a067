"""The development chain: a Substrate node in miniature, for development and tests.

    chamberlain devnet --block-time-ms 1000 --finality-lag 2

or, in a test:

    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL))
    async with DevNode(chain) as node:
        ...  # connect to node.url; chain.submit(raw), chain.seal(), chain.finalize() work beside

What is real: the metadata (V14, V15), the SCALE encoding of everything, hashes of blocks and extrinsics,
storage keys and values, signatures, nonces, mortality, dispatch with its events and errors, the pool and its
refusals, and the JSON-RPC surface that py-substrate-interface and polkadot-js use. What is not: the state and
extrinsics roots are hashes but no trie roots, weights are not metered, and there are no peers. The
state of every block is kept, but only while the process lives; without a seed each chain has a genesis hash
of its own, so a database that is bound to an earlier run is refused.

The accounts //Alice, //Bob, //Charlie, //Dave, //Eve, //Ferdie and //Arbiter (sr25519), who decides disputes,
own 10^18 planck each. A transaction pays a small fee for itself and for each of its bytes to the treasury.
The rules of the market lie in `pallets/`. With `DevChainConfig.names`, pallets, calls, events and fields have
other names.

Besides the methods of real nodes (`rpc_methods` lists all), those called `dev_*` steer the chain: they make
blocks, fork it, stall finality, upgrade the runtime, lose transactions, prune a node and let it fail.
docs/devnet.md and docs/devnet-faults.md tell what each does, takes and refuses.
"""

from chain.devnet.chain import DevChain, Retracted
from chain.devnet.config import DevChainConfig, Sealing
from chain.devnet.node import DevNode
from chain.devnet.refusal import TransactionRefused
from chain.devnet.revision import Change

__all__ = ["Change", "DevChain", "DevChainConfig", "DevNode", "Retracted", "Sealing", "TransactionRefused"]
