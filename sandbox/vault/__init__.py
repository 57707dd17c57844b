"""Datasets at rest: from a plaintext source to signed, encrypted, co-partitioned shards."""
