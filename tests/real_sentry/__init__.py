"""The whole product against a real Sentry server; a script, because that server needs minutes of set-up."""
