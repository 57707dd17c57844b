"""Keys: who holds the master key, how keys wrap keys, how a key reaches a worker."""
