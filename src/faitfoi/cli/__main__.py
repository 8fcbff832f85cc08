"""`python -m faitfoi.cli` is `faitfoi`."""

from faitfoi.cli.main import main

main()
