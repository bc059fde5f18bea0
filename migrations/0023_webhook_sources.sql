-- Where requests of providers come in, and what became of each.
-- preset: how requests are verified; scheme: how the provider signs, for hmac alone. The secrets, a JSON list, are sealed in secrets.
CREATE TABLE webhook_sources (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    source_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    preset      TEXT NOT NULL CHECK (preset IN
        ('standard-webhooks', 'github', 'stripe', 'slack', 'shopify', 'hmac', 'bearer', 'basic', 'unverified')),
    scheme      TEXT CHECK (scheme IS NULL OR json_valid(scheme)),
    secrets     BLOB NOT NULL,
    networks    TEXT NOT NULL CHECK (json_valid(networks)),
    mapping     TEXT NOT NULL CHECK (json_valid(mapping)),
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version     INTEGER NOT NULL CHECK (version >= 1),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, source_id),
    CHECK ((scheme IS NOT NULL) = (preset = 'hmac'))
) STRICT, WITHOUT ROWID;

-- outcome: taken (its event is on the way, or there), double (it came before) or refused. Of a refused one no body is kept.
CREATE TABLE webhook_requests (
    tenant_id   TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    source_id   TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('taken', 'double', 'refused')),
    reason      TEXT,
    words       TEXT,
    address     TEXT,
    headers     TEXT NOT NULL CHECK (json_valid(headers)),
    body        BLOB,
    provider_id TEXT,
    kind        TEXT,
    job_id      TEXT,
    event_id    TEXT,
    PRIMARY KEY (tenant_id, request_id),
    FOREIGN KEY (tenant_id, source_id) REFERENCES webhook_sources (tenant_id, source_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX webhook_requests_by_source ON webhook_requests (tenant_id, source_id, request_id);
-- A provider's id is taken once.
CREATE UNIQUE INDEX webhook_requests_once ON webhook_requests (tenant_id, source_id, provider_id)
    WHERE outcome = 'taken' AND provider_id IS NOT NULL;
