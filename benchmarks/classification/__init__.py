"""Labelled sets for column classification, how they are made, and the harness that measures on them."""
