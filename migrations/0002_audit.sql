-- The audit: a hash chain per tenant. A row's hash covers the hash of the row before it (crates/audit/src/chain.rs says
-- how, byte by byte). The length stands apart, so that rows missing at the end are noticed too.
CREATE TABLE audit_chains (
    tenant_id TEXT PRIMARY KEY,
    length    INTEGER NOT NULL CHECK (length >= 0)
) STRICT, WITHOUT ROWID;

-- No index beside the key: every accepted event writes here, and lists go backwards through the key.
CREATE TABLE audit_entries (
    tenant_id  TEXT NOT NULL,
    sequence   INTEGER NOT NULL CHECK (sequence >= 1),
    audit_id   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    request_id TEXT NOT NULL,
    address    TEXT,
    before     TEXT CHECK (before IS NULL OR json_valid(before)),
    after      TEXT CHECK (after IS NULL OR json_valid(after)),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tenant_id, sequence)
) STRICT, WITHOUT ROWID;
