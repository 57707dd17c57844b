"""What owners allow: strict YAML, requests, and a pure decision that denies by default."""
