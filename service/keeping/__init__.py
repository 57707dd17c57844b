"""What is kept and for how long: rotation of keys, compaction, removal, retention, the host's health."""
