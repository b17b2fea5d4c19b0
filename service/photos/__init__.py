"""Photos that people take: frames like all others, with the name of who brought them."""
