"""Jobs: read, judged, priced, charged, run, answered; rehearsed on mock data."""
