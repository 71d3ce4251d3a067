"""The JSON-RPC interface of the node: the protocol, the methods by family, and subscriptions."""
