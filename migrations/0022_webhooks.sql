-- Where a tenant's events go outside. The key that signs what is sent there is sealed in secret.
-- disabled_reason: asked (somebody switched it off) or gone (it answered 410).
CREATE TABLE webhook_endpoints (
    tenant_id       TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    endpoint_id     TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT,
    secret          BLOB NOT NULL,
    disabled_at     INTEGER,
    disabled_reason TEXT CHECK (disabled_reason IN ('asked', 'gone')),
    version         INTEGER NOT NULL CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT, WITHOUT ROWID;
