"""Making plates unreadable and people unrecognisable on pictures, by a release's own context boxes."""
