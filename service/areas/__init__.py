"""Areas of a city, nested, and which one a place lies in."""
