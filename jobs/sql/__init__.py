"""SQL: parsed with sqlglot, checked against a closed list, turned into a query without data."""
