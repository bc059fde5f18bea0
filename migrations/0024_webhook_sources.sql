-- Where requests of providers come in, and what became of each.
-- preset: how requests are verified; scheme: how the provider signs, for hmac alone. The secrets, as JSON, are sealed in secrets;
-- secret_count and has_verify_token say how many there are without opening it.
CREATE TABLE webhook_sources (
    tenant_id        TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    source_id        TEXT NOT NULL,
    name             TEXT NOT NULL,
    description      TEXT,
    preset           TEXT NOT NULL CHECK (preset IN
        ('standard-webhooks', 'github', 'stripe', 'slack', 'shopify', 'hmac', 'bearer', 'basic', 'unverified')),
    scheme           TEXT CHECK (scheme IS NULL OR json_valid(scheme)),
    secrets          BLOB NOT NULL,
    secret_count     INTEGER NOT NULL CHECK (secret_count BETWEEN 0 AND 5),
    has_verify_token INTEGER NOT NULL CHECK (has_verify_token IN (0, 1)),
    networks         TEXT NOT NULL CHECK (json_valid(networks)),
    mapping          TEXT NOT NULL CHECK (json_valid(mapping)),
    rate_per_minute  INTEGER NOT NULL CHECK (rate_per_minute >= 1),
    keep_days        INTEGER NOT NULL CHECK (keep_days >= 1),
    is_active        INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version          INTEGER NOT NULL CHECK (version >= 1),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, source_id),
    CHECK ((scheme IS NOT NULL) = (preset = 'hmac')),
    CHECK ((secret_count = 0) = (preset = 'unverified'))
) STRICT, WITHOUT ROWID;

-- outcome: taken (its event is on the way, or there), double (it came before, as first_id), challenge (the provider asked whether
-- anybody is there, and was answered) or refused. Of all but the taken neither body nor values of headers are kept. is_text: whether
-- the body is UTF-8. seen: a digest of what was signed, time and all. is_altered: whether a person was taken out of it, after which
-- its signature no longer holds. Requests outlive their source until the next look at what is too old.
CREATE TABLE webhook_requests (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    request_id  TEXT NOT NULL,
    source_id   TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('taken', 'double', 'challenge', 'refused')),
    reason      TEXT,
    words       TEXT,
    address     TEXT,
    headers     TEXT NOT NULL CHECK (json_valid(headers)),
    body        BLOB,
    is_text     INTEGER NOT NULL CHECK (is_text IN (0, 1)),
    provider_id TEXT,
    kind        TEXT,
    seen        BLOB,
    first_id    TEXT,
    job_id      TEXT,
    event_id    TEXT,
    is_altered  INTEGER NOT NULL DEFAULT 0 CHECK (is_altered IN (0, 1)),
    PRIMARY KEY (tenant_id, request_id),
    CHECK ((outcome = 'taken') = (body IS NOT NULL)),
    CHECK ((outcome = 'taken') = (job_id IS NOT NULL)),
    CHECK ((outcome = 'double') = (first_id IS NOT NULL)),
    CHECK ((outcome = 'refused') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX webhook_requests_by_source ON webhook_requests (tenant_id, source_id, request_id);
CREATE INDEX webhook_requests_by_outcome ON webhook_requests (tenant_id, source_id, outcome, request_id);
-- A provider's id is taken once, or once for each kind where one id stands for several; and so is what was signed with its time.
CREATE UNIQUE INDEX webhook_requests_once ON webhook_requests (tenant_id, source_id, provider_id, ifnull(kind, ''))
    WHERE outcome = 'taken' AND provider_id IS NOT NULL;
CREATE UNIQUE INDEX webhook_requests_seen ON webhook_requests (tenant_id, source_id, seen)
    WHERE outcome = 'taken' AND seen IS NOT NULL;
