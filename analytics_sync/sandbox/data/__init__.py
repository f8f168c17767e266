"""The records a sandbox serves, and what a warehouse must hold of them."""
