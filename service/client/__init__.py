"""At the caller's side of the gatekeeper, made of its JSON alone: notebooks, job files, pictures, signing."""
