"""What one policy lets people do that another does not, in sentences."""
