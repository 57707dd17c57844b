"""Frames over rows, and exact integers of frames: what runs where rows are in clear."""
