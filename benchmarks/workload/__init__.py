"""The work of a benchmark: records, routes, declarations, and a server of ready-made answers."""
