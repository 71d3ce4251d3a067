"""`chamberlain status`: how a server is, for people and for scripts."""
