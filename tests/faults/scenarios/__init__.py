"""The rows of the table: what is broken, and what has to hold."""
