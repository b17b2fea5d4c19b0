"""Checks of labelled photos before anybody trains on them, and a contact sheet to look at."""
