"""What an administrator configures, and the two peers: Sentry and Harness FME."""
