"""Every use case behind one gatekeeper: who asks, in which order, what is recorded."""
