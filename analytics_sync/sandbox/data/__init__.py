"""The records that a sandbox serves, and the rows that a warehouse must hold."""
