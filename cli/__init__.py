"""The command line: verbs for people, over the gatekeeper and nothing else."""
