"""The pallets of the development chain, a module each: declarations and rules side by side."""
