"""What a valid policy says that its owner may not have meant."""
