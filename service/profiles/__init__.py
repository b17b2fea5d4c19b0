"""Device profiles: what a camera cannot say of itself, its mounting, optics, clock and coordinates."""
