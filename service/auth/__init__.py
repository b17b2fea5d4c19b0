"""Who is asking: tokens of devices; people, sessions and roles will stand here too."""
