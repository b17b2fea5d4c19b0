"""Devices that upload: who they are, their tokens, their last word."""
