"""`system_*` and `rpc_methods`: what the node is, and what it serves."""

from chain.devnet.pallets.system import SS58_PREFIX
from chain.devnet.rpc.errors import Json, invalid_params
from chain.devnet.rpc.methods import METHODS
from chain.devnet.rpc.session import Session
from chain.keys import ss58_decode

NODE_NAME = "Chamberlain development node"
NODE_VERSION = "0.1.0"
CHAIN_NAME = "Development"
CHAIN_PROPERTIES: Json = {"ss58Format": SS58_PREFIX, "tokenDecimals": 12, "tokenSymbol": "UNIT"}
"""How addresses and amounts are to be shown."""


@METHODS.method("rpc_methods")
def rpc_methods(_session: Session) -> Json:
    """Return the names of all methods."""
    return {"methods": METHODS.names()}


@METHODS.method("system_chain")
def chain_name(_session: Session) -> Json:
    """Return the name of the chain."""
    return CHAIN_NAME


@METHODS.method("system_chainType")
def chain_type(_session: Session) -> Json:
    """Return the type of the chain."""
    return "Development"


@METHODS.method("system_name")
def node_name(_session: Session) -> Json:
    """Return the name of the node's implementation."""
    return NODE_NAME


@METHODS.method("system_version")
def node_version(_session: Session) -> Json:
    """Return the version of the node's implementation."""
    return NODE_VERSION


@METHODS.method("system_properties")
def properties(_session: Session) -> Json:
    """Return how addresses and amounts are to be shown."""
    return CHAIN_PROPERTIES


@METHODS.method("system_health")
def health(_session: Session) -> Json:
    """Return that the node stands alone and is well."""
    return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}


@METHODS.method("system_accountNextIndex", "account_nextIndex")
def account_next_index(session: Session, address: Json) -> Json:
    """Return the nonce for an account's next transaction, behind those that are ready in the pool."""
    try:
        account = ss58_decode(address)
    except (TypeError, ValueError, AttributeError) as error:
        raise invalid_params(f"expected an SS58 address: {error}") from error
    return session.chain.next_nonce(account)
