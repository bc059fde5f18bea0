-- What the doors remember: answers given under an Idempotency-Key, for 24 hours.
CREATE TABLE idempotency_keys (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'confidential')),
    status      INTEGER,
    headers     TEXT CHECK (headers IS NULL OR json_valid(headers)),
    body        BLOB,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key),
    CHECK ((state = 'done') = (status IS NOT NULL AND headers IS NOT NULL AND body IS NOT NULL))
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
