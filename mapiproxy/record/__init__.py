"""What is said about an exchange afterwards: the ledger of facts, how it ended, the log's columns."""
