"""`chamberlain demo`: the whole life of a task, seen from the outside."""
