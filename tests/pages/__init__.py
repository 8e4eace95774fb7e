"""What each page costs, whatever the number of messages."""
