"""The books held against the log, noun by noun: what the tables say is what was logged."""
