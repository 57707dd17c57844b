"""Where shards are worked on: one Executor protocol, Ray for the product, serial for tests."""
