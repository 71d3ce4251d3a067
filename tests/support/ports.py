"""Ports for servers that tests start, and start again."""

import random
import socket

HOST = "127.0.0.1"
# Below the range from which Linux and macOS serve port 0, so that nobody is given the port of a server that
# is away for a moment.
PORTS = range(15_000, 32_000)
ATTEMPTS = 20


def free_port() -> int:
    """A port of HOST that nobody listens on. Raises OSError if none of ATTEMPTS is free."""
    for port in random.sample(PORTS, ATTEMPTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"none of {ATTEMPTS} ports tried is free")
