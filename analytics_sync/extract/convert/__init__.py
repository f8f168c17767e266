"""Records -> Arrow tables, losing nothing."""
