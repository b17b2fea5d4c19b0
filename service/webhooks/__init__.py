"""Webhooks: events sent to other systems, signed, tried again until they have arrived."""
