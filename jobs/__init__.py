"""What analysts ask: from text to a plan, from a plan to noisy integers, to a table."""
