"""The connectivity test: an Outlook-like client that says at which stage it got stuck, and why."""
