"""SS58, the text form of account ids: https://docs.polkadot.com/polkadot-protocol/parachain-basics/accounts/"""

from functools import lru_cache

from scalecodec.utils import ss58

ACCOUNT_SIZE = 32
ADDRESSES_KEPT = 16_384
"""Accounts come again and again, and making an address costs more than decoding its event; 5 MB when full."""


@lru_cache(ADDRESSES_KEPT)
def ss58_encode(account: bytes, prefix: int = 42) -> str:
    """The address of an account on the network of `prefix` (42 is the generic one).

    Raises ValueError for an account that has not 32 bytes, and for a prefix over 16383 or reserved.
    """
    if len(account) != ACCOUNT_SIZE:
        raise ValueError(f"an account has {ACCOUNT_SIZE} bytes, not {len(account)}")
    address: str = ss58.ss58_encode(account, ss58_format=prefix)
    return address


def ss58_decode(address: str) -> bytes:
    """The account of an address of any network. Raises ValueError for a text that is not one."""
    # The library takes hex for an address that is decoded already.
    if not address.isalnum() or address.startswith("0x"):
        raise ValueError("not an SS58 address")
    try:
        account = bytes.fromhex(ss58.ss58_decode(address))
    except (ValueError, IndexError) as error:
        raise ValueError("not an SS58 address") from error
    if len(account) != ACCOUNT_SIZE:
        raise ValueError("not the SS58 address of an account")
    return account
