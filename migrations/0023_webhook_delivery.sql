-- How webhooks go out: what endpoints want and how they are spared, each attempt, and lanes that rest.

-- A lane may let in fewer than its jobs say (most), or none, until a time (resumes_at); then so many (then_most), or as before.
CREATE TABLE job_lanes (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    lane       TEXT NOT NULL,
    most       INTEGER NOT NULL CHECK (most BETWEEN 0 AND 100),
    resumes_at INTEGER,
    then_most  INTEGER CHECK (then_most BETWEEN 1 AND 100),
    PRIMARY KEY (tenant_id, lane),
    CHECK (most > 0 OR resumes_at IS NOT NULL),
    CHECK (then_most IS NULL OR resumes_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_lanes_resuming ON job_lanes (resumes_at) WHERE resumes_at IS NOT NULL;

-- A job that sends a webhook is a delivery: found by the endpoint that its payload names.
ALTER TABLE jobs ADD COLUMN endpoint_id TEXT
    GENERATED ALWAYS AS (CASE WHEN kind = 'send_webhook' THEN payload ->> '$.endpoint' END) VIRTUAL;
CREATE INDEX jobs_by_endpoint ON jobs (tenant_id, endpoint_id, job_id) WHERE endpoint_id IS NOT NULL;

-- secret holds the keys that sign and what lets us in, sealed. disabled_reason: asked (somebody switched it off), gone (it
-- answered 410) or failing (for five days). Spans are milliseconds.
CREATE TABLE webhook_endpoints_rebuilt (
    tenant_id       TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    endpoint_id     TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT,
    customer        TEXT,
    event_types     TEXT NOT NULL CHECK (json_type(event_types) = 'array'),
    filter          TEXT CHECK (json_type(filter) = 'array'),
    body            TEXT CHECK (json_valid(body)),
    headers         TEXT NOT NULL CHECK (json_type(headers) = 'object'),
    auth            TEXT NOT NULL CHECK (json_type(auth) = 'object'),
    signature       TEXT NOT NULL CHECK (signature IN ('v1', 'v1a')),
    tags            TEXT NOT NULL CHECK (json_type(tags) = 'array'),
    metadata        TEXT NOT NULL CHECK (json_type(metadata) = 'object'),
    schedule        TEXT NOT NULL CHECK (json_type(schedule) = 'array'),
    timeout         INTEGER NOT NULL CHECK (timeout BETWEEN 5000 AND 30000),
    rate_limit      INTEGER CHECK (rate_limit >= 1),
    rate_per        INTEGER CHECK (rate_per >= 1000),
    concurrency     INTEGER NOT NULL CHECK (concurrency BETWEEN 1 AND 100),
    ordering_key    TEXT,
    secret          BLOB NOT NULL,
    disabled_at     INTEGER,
    disabled_reason TEXT CHECK (disabled_reason IN ('asked', 'gone', 'failing')),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((rate_limit IS NULL) = (rate_per IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_endpoints_rebuilt (tenant_id, endpoint_id, url, description, event_types, headers, auth, signature, tags,
    metadata, schedule, timeout, concurrency, secret, disabled_at, disabled_reason, version, created_at, updated_at)
    SELECT tenant_id, endpoint_id, url, description, '[]', '{}', '{"type":"none"}', 'v1', '[]', '{}',
    '[5000,300000,1800000,7200000,18000000,36000000,50400000,72000000,86400000]', 15000, 10, secret, disabled_at,
    disabled_reason, version, created_at, updated_at FROM webhook_endpoints;
DROP TABLE webhook_endpoints;
ALTER TABLE webhook_endpoints_rebuilt RENAME TO webhook_endpoints;
CREATE INDEX webhook_endpoints_by_customer ON webhook_endpoints (tenant_id, customer, endpoint_id)
    WHERE customer IS NOT NULL;

-- How an endpoint fares. failures: how many in a row say that it is not well. opened: how often its circuit opened in a row.
-- failing_since: the first failure after the last success; warned: up to which part of its time (percent) its owners were told.
-- next_free_at: what is left of its rate, as the time at which all of it is there again (GCRA).
CREATE TABLE webhook_health (
    tenant_id     TEXT NOT NULL,
    endpoint_id   TEXT NOT NULL,
    circuit       TEXT NOT NULL CHECK (circuit IN ('closed', 'open', 'half_open')),
    failures      INTEGER NOT NULL CHECK (failures >= 0),
    opened        INTEGER NOT NULL CHECK (opened >= 0),
    open_until    INTEGER,
    failing_since INTEGER,
    warned        INTEGER NOT NULL CHECK (warned BETWEEN 0 AND 100),
    last_success  INTEGER,
    last_failure  INTEGER,
    next_free_at  INTEGER,
    PRIMARY KEY (tenant_id, endpoint_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, endpoint_id) ON DELETE CASCADE,
    CHECK ((circuit = 'closed') = (open_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Each attempt to reach an endpoint, with what it answered. failure: what went wrong, in a word.
CREATE TABLE webhook_attempts (
    tenant_id   TEXT NOT NULL,
    job_id      TEXT NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    endpoint_id TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    duration    INTEGER NOT NULL CHECK (duration >= 0),
    status      INTEGER,
    failure     TEXT,
    answer_type TEXT,
    answer      TEXT,
    is_cut      INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
    PRIMARY KEY (tenant_id, job_id, number),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, job_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_attempts_by_endpoint ON webhook_attempts (tenant_id, endpoint_id, started_at);
