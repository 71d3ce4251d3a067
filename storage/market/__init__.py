"""What the market is made of: agents, tasks, bids, results and money, by a repository for each."""
