"""What to label next: look at photos, choose the most useful ones, say why, write them down."""
