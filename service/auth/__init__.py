"""Who is asking and what they may: actors, roles, permissions, scope by area, tokens, passwords."""
