"""The stand-in of Sentry: REST interface, ingestion, webhooks."""
