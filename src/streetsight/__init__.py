"""Streetsight: patrol photos in, street-condition leads out."""
