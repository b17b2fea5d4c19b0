"""An archive looked at with another release: written beside what is in force, compared, then switched to."""
