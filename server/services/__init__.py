"""The services of the contract: each method tells the story of its call."""
