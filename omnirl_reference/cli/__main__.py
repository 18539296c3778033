"""``python -m omnirl_reference.cli``, for ``torchrun``."""

from omnirl_reference.cli.app import main

if __name__ == "__main__":
    main()
