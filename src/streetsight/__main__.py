"""Entry point of the `streetsight` command, and of `python -m streetsight`."""

import sys


def main() -> None:
    """Assemble the command line and run it; who interrupts it before it stands gets no traceback."""
    try:
        from streetsight.cli import app
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as shells count
    app()


if __name__ == "__main__":
    main()
