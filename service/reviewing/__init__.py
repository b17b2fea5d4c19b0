"""Reviewing: which lead is looked at next, and by whom; two people never get the same one."""
