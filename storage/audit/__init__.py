"""Who did what: the audit log, its chain of hashes, and its pruning."""
