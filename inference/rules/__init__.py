"""From places to candidate issues: zones, dwell, evidence, severity; nothing unmeasured passes as met."""
