"""The web pages: what people see of the nouns. Reads through their services, writes through the HTTP API."""
