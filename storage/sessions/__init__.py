"""What outlives the process of an agent: sessions, transcripts, handoffs and approvals."""
