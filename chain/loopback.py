"""Whom an address lets in: this machine, or others too."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on a host; a name other than localhost may be any."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
