"""The enclosure and its books: encrypted data, keys, privacy loss, log, workers."""
