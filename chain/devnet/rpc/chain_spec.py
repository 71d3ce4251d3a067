"""`chainSpec_v1_*`: which chain this is.

Specification: https://paritytech.github.io/json-rpc-interface-spec/api/chainSpec.html
"""

from chain.devnet.rpc.errors import Json
from chain.devnet.rpc.methods import METHODS
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.system import CHAIN_NAME, CHAIN_PROPERTIES


@METHODS.method("chainSpec_v1_chainName")
def chain_name(_session: Session) -> Json:
    """Return the name of the chain."""
    return CHAIN_NAME


@METHODS.method("chainSpec_v1_genesisHash")
def genesis_hash(session: Session) -> Json:
    """Return the hash of block 0."""
    return hex_text(session.chain.genesis.hash)


@METHODS.method("chainSpec_v1_properties")
def properties(_session: Session) -> Json:
    """Return how addresses and amounts are to be shown."""
    return CHAIN_PROPERTIES
