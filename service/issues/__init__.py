"""Issues: candidates that a person has confirmed."""
