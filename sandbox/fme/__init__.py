"""The stand-in of Harness FME: Admin API, event ingestion, the little that SDKs download."""
