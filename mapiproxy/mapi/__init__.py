"""What the bytes mean to Outlook and Exchange. Reads, never writes."""
