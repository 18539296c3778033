"""The command ``anymdp-bench``: words go in, tables come out; every room above it has its commands here."""

from anymdp_bench.cli.app import main

__all__ = ["main"]
