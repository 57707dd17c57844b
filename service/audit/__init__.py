"""What reviewers do with the log: read it in words, take evidence of it away, be alerted, sign it off."""
