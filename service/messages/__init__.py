"""Messages for people, in English and Chinese, keyed by error code."""
