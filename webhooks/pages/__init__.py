"""The pages: what an administrator sees of messages, track events, problems, and what was done about them."""
