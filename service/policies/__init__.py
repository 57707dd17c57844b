"""Help with writing policies: drafts, findings, comparisons, and what answers under one would look like."""
