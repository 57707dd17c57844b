"""Keyong for notebooks: ``keyong.connect().query("SELECT …", epsilon="0.5", purpose="…")``."""

from pathlib import Path

from service.house import stand_together

stand_together(Path(__file__).resolve().parent)

from service.client.notebook import Connection, connect  # noqa: E402 - not before it is known whose packages these are

__all__ = ["Connection", "connect"]
