"""Work that outlives a request: rows in the database, claimed by worker processes under leases."""
