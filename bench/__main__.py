"""``python -m bench``: the same as the ``bench`` command."""

from bench.cli.main import main

main()
