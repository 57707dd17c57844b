"""Where proposals come from: what a column is called, and what its values look like."""
