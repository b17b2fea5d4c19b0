"""Reports: what citizens, hotlines and other systems tell us. Leads with a source, never trusted."""
