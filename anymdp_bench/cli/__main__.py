"""``python -m anymdp_bench.cli`` is the command ``anymdp-bench``."""

from anymdp_bench.cli.app import main

main()
