"""`python -m splatzip.cli` is `splatzip`."""

from splatzip.cli import main

main()
