"""``python -m cli`` is ``keyong``."""

from cli.main import main

main()
