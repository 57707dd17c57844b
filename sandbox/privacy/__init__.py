"""Privacy loss: exact arithmetic, filters, ledger, samplers, mechanisms, intervals."""
