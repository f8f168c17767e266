"""What is served and declared: records, routes, and a server of ready-made answers."""
