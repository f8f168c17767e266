"""The declared APIs, without the HTTP around them."""
