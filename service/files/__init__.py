"""Where photos and other large bytes are kept, addressed by the sha256 of their content."""
