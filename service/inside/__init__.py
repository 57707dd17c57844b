"""The gatekeeper in one process: each use case handed on to its module; docstrings stand in the gates."""
