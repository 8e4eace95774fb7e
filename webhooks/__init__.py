"""What flows through: messages in, track events out, and everything that shows them."""
