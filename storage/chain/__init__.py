"""What goes to the chain and comes from it: the outbox, signatures, blocks, and the projection of facts."""
