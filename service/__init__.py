"""Every use case behind one gatekeeper: who asks, in which order, what is recorded.

`gates` is the protocol, noun by noun, and `inside` what answers it in this process; what people ask is in
`asked`.  The use cases stand in folders of the same nouns: `datasets`, `policies`, `jobs`, `approvals`,
`keeping`, `audit`, and `checks`, which hold the books against the log.  `client` is at the caller's side: it
sees the gatekeeper's JSON alone.  `desk` and `dossier` are what all of them stand on.
"""
