"""Stand-ins of Sentry and Harness FME for trying the product on one machine; off in production."""
