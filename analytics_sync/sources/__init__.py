"""The APIs that ship, one YAML file each."""
