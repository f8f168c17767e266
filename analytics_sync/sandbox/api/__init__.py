"""The declared APIs, without HTTP."""
