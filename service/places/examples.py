"""Shipped examples of places."""

from pathlib import Path

EXAMPLES = Path(__file__).with_name("examples")


def example_files() -> dict[str, Path]:
    """By name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.geojson"))}
