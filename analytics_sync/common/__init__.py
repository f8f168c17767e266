"""What every stage shares: windows, errors, redaction, JSON, private folders. It imports no other stage."""
