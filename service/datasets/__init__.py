"""Datasets and public tables: registered, tagged, described, shown, mocked; persons withdrawn."""
