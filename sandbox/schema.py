"""Tables of the sandbox's state file. Times are unix seconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS organizations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT UNIQUE NOT NULL, name TEXT NOT NULL,
    created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, organization_id INTEGER NOT NULL, slug TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL, public_key TEXT UNIQUE NOT NULL, created REAL NOT NULL,
    UNIQUE (organization_id, slug));
CREATE TABLE IF NOT EXISTS project_redirects (
    organization_id INTEGER NOT NULL, slug TEXT NOT NULL, project_id INTEGER NOT NULL,
    UNIQUE (organization_id, slug));

CREATE TABLE IF NOT EXISTS installations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT UNIQUE NOT NULL, organization_id INTEGER NOT NULL,
    status TEXT NOT NULL, is_seed INTEGER NOT NULL DEFAULT 0, announced INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, deleted REAL);
CREATE TABLE IF NOT EXISTS grants (
    code TEXT PRIMARY KEY, installation TEXT NOT NULL, expires REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, installation TEXT NOT NULL, token TEXT UNIQUE NOT NULL,
    refresh_token TEXT UNIQUE NOT NULL, scopes TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,
    is_main INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS used_assertions (jti TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS rate_windows (
    who TEXT NOT NULL, window INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (who, window));

CREATE TABLE IF NOT EXISTS hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, project_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL, events TEXT NOT NULL, status TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    number INTEGER NOT NULL, count INTEGER NOT NULL, first_seen REAL NOT NULL, last_seen REAL NOT NULL,
    UNIQUE (project_id, fingerprint));
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, project_id INTEGER NOT NULL,
    issue_id INTEGER NOT NULL, received REAL NOT NULL, environment TEXT, data TEXT NOT NULL,
    UNIQUE (project_id, event_id));
CREATE INDEX IF NOT EXISTS events_by_event_id ON events (event_id);
CREATE TABLE IF NOT EXISTS environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, name TEXT NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0, UNIQUE (project_id, name));
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, url TEXT NOT NULL, event_id TEXT,
    target TEXT NOT NULL,
    data TEXT NOT NULL, state TEXT NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, finished REAL, status INTEGER, error TEXT, duration_ms INTEGER, headers TEXT,
    body BLOB);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);

CREATE TABLE IF NOT EXISTS workspaces (id TEXT PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fme_environments (
    id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, name TEXT NOT NULL, production INTEGER NOT NULL,
    created REAL NOT NULL, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS traffic_types (
    id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sdk_keys (
    id TEXT PRIMARY KEY, key TEXT UNIQUE NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
    environment_id TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS fme_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received REAL NOT NULL, path TEXT NOT NULL, environment_id TEXT,
    events INTEGER NOT NULL, bytes INTEGER NOT NULL, status INTEGER NOT NULL, note TEXT NOT NULL,
    sdk TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS received (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request_id INTEGER NOT NULL, received REAL NOT NULL,
    environment_id TEXT NOT NULL, event_type TEXT, traffic_type TEXT, key TEXT, timestamp INTEGER,
    sentry_event_id TEXT, dropped TEXT NOT NULL, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS received_by_key ON received (key);
CREATE INDEX IF NOT EXISTS received_by_sentry_event ON received (sentry_event_id);
CREATE INDEX IF NOT EXISTS received_by_environment ON received (environment_id, dropped);
CREATE INDEX IF NOT EXISTS received_dropped ON received (dropped);

CREATE TABLE IF NOT EXISTS failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT NOT NULL, kind TEXT NOT NULL, seconds REAL NOT NULL,
    status INTEGER NOT NULL, retry_after REAL, body TEXT, times INTEGER, operation TEXT NOT NULL,
    environment TEXT NOT NULL, contains TEXT NOT NULL);
"""

TABLES = [
    "settings",
    "organizations",
    "projects",
    "project_redirects",
    "installations",
    "grants",
    "tokens",
    "used_assertions",
    "rate_windows",
    "hooks",
    "issues",
    "events",
    "environments",
    "deliveries",
    "workspaces",
    "fme_environments",
    "traffic_types",
    "sdk_keys",
    "fme_requests",
    "received",
    "failures",
]
