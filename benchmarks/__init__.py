"""Speed, as ratios in one run: see README.md here and RESULTS.md for recorded figures."""
