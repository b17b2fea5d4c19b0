"""More than one machine: the replicas of a Ray cluster look at photos. Ray is imported only when chosen."""
