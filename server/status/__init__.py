"""`chamberlain status`: the status of a server, for people and for scripts."""
