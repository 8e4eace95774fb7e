CREATE TABLE message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    received_at timestamptz NOT NULL DEFAULT now(),
    body bytea COMPRESSION lz4 NOT NULL
);
