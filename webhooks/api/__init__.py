"""The REST interface to messages, track events, replays and previews."""
