"""From pixels to the ground: where a thing stands, how sure that is, and which ground a frame shows."""
