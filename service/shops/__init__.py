"""Shops and what is in front of them (门前三包): a register, monthly ratings, cards and points."""
