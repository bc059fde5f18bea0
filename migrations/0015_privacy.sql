-- Privacy and retention. The audit's rows get a second format whose hash covers commitments instead of content, so that
-- the content can be erased (crates/audit/src/chain.rs); a chain may begin later than with its first row.
ALTER TABLE audit_entries ADD COLUMN format INTEGER NOT NULL DEFAULT 1 CHECK (format IN (1, 2));
-- The place of the row that says what was erased here last.
ALTER TABLE audit_entries ADD COLUMN erased_by INTEGER CHECK (erased_by > sequence);
-- What is mixed into a commitment: without it an erased address could be found by trying all. It goes with its content.
ALTER TABLE audit_entries ADD COLUMN address_salt BLOB CHECK (address_salt IS NULL OR (length(address_salt) = 16 AND address IS NOT NULL));
ALTER TABLE audit_entries ADD COLUMN before_salt BLOB CHECK (before_salt IS NULL OR (length(before_salt) = 16 AND before IS NOT NULL));
ALTER TABLE audit_entries ADD COLUMN after_salt BLOB CHECK (after_salt IS NULL OR (length(after_salt) = 16 AND after IS NOT NULL));
-- The commitment of what was erased.
ALTER TABLE audit_entries ADD COLUMN address_erased BLOB
    CHECK (address_erased IS NULL OR (length(address_erased) = 32 AND address IS NULL AND erased_by IS NOT NULL));
ALTER TABLE audit_entries ADD COLUMN before_erased BLOB
    CHECK (before_erased IS NULL OR (length(before_erased) = 32 AND before IS NULL AND erased_by IS NOT NULL));
ALTER TABLE audit_entries ADD COLUMN after_erased BLOB
    CHECK (after_erased IS NULL OR (length(after_erased) = 32 AND after IS NULL AND erased_by IS NOT NULL));

-- The first place that the chain still holds, the hash of the row before it, and the place of the row that says so.
ALTER TABLE audit_chains ADD COLUMN first INTEGER NOT NULL DEFAULT 1 CHECK (first >= 1);
ALTER TABLE audit_chains ADD COLUMN cut_hash BLOB CHECK (length(cut_hash) = 32);
ALTER TABLE audit_chains ADD COLUMN cut_by INTEGER CHECK ((cut_by IS NULL) = (first = 1) AND (cut_by IS NULL) = (cut_hash IS NULL));

-- Which tenant's old rows are to be looked at next; 0 for a new tenant.
ALTER TABLE tenants ADD COLUMN retention_due_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tenants_by_retention ON tenants (retention_due_at);

-- People who are being erased, or were. What they were called stands here only until all of it is gone elsewhere.
CREATE TABLE erasures (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    user_id      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('running', 'done')),
    email        TEXT,
    name         TEXT,
    stage        TEXT NOT NULL,
    cursor       TEXT NOT NULL,
    counts       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),
    job_id       TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (tenant_id, user_id),
    CHECK ((state = 'running') = (email IS NOT NULL AND name IS NOT NULL AND ended_at IS NULL))
) STRICT, WITHOUT ROWID;
