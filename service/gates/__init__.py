"""The gatekeeper's protocol in parts, one for each noun; the shapes of answers stand in the docstrings."""
