"""The nodes that serve one chain, and whose turn it is."""

from chain.rpc import RpcClient

ENDPOINTS_MAX = 16


class Endpoints:
    """The URLs of a list, one of which is the present one; passwords in them are never shown."""

    def __init__(self, urls: str) -> None:
        """Take URLs that commas separate. Raises ValueError for none, too many, or one that is no URL."""
        self.urls = [url.strip() for url in urls.split(",") if url.strip()]
        if not 1 <= len(self.urls) <= ENDPOINTS_MAX:
            raise ValueError(f"give 1 to {ENDPOINTS_MAX} URLs of nodes, separated by commas")
        self.names = [RpcClient(url).node for url in self.urls]
        self._present = 0

    def __len__(self) -> int:
        return len(self.urls)

    @property
    def url(self) -> str:
        return self.urls[self._present]

    @property
    def name(self) -> str:
        """The present node as it may be shown."""
        return self.names[self._present]

    def turn(self) -> bool:
        """Go on to the next; whether that is the first one again."""
        self._present = (self._present + 1) % len(self.urls)
        return self._present == 0
