-- Records of the CRM and Sales modules and of a tenant's own types: one table for all, their fields as JSON, and beside it
-- what lists are filtered and sorted by.

-- What a tenant says of a built-in type, and its own types. A built-in type without a row is as the program has it.
CREATE TABLE record_types (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    type         TEXT NOT NULL,
    is_own       INTEGER NOT NULL CHECK (is_own IN (0, 1)),
    module_type  TEXT NOT NULL,
    title        TEXT NOT NULL,
    schema       TEXT NOT NULL CHECK (json_type(schema) = 'object'),
    name_field   TEXT NOT NULL,
    status_field TEXT,
    statuses     TEXT NOT NULL CHECK (json_type(statuses) = 'array'),
    high_value   TEXT,
    version      INTEGER NOT NULL CHECK (version >= 1),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, type),
    CHECK ((status_field IS NULL) = (statuses = '[]'))
) STRICT, WITHOUT ROWID;

-- The key of a row is a number that VACUUM keeps, because the index of words knows records by it; everything else finds a
-- record by its tenant and its id. Statuses and stages are the tenant's to name, so no CHECK repeats them. `value_key` is a text
-- that sorts as the exact amount in `fields` does; empty where there is none. `words` is what the index of words was told.
CREATE TABLE records (
    place         INTEGER PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    record_id     TEXT NOT NULL,
    type          TEXT NOT NULL,
    external_id   TEXT,
    status        TEXT,
    owner         TEXT,
    email         TEXT,
    name_key      TEXT NOT NULL,
    value_key     TEXT NOT NULL,
    fields        TEXT NOT NULL CHECK (json_type(fields) = 'object'),
    words         TEXT NOT NULL,
    high_value_at INTEGER,
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (tenant_id, record_id)
) STRICT;
CREATE UNIQUE INDEX records_by_external_id ON records (tenant_id, type, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX records_by_type ON records (tenant_id, type, record_id);
CREATE INDEX records_by_status ON records (tenant_id, type, status, record_id) WHERE status IS NOT NULL;
CREATE INDEX records_by_owner ON records (tenant_id, type, owner, record_id) WHERE owner IS NOT NULL;
CREATE INDEX records_by_email ON records (tenant_id, type, email, record_id) WHERE email IS NOT NULL;
CREATE INDEX records_by_update ON records (tenant_id, type, updated_at, record_id);
CREATE INDEX records_by_name ON records (tenant_id, type, name_key, record_id);
CREATE INDEX records_by_value ON records (tenant_id, type, value_key, record_id);
-- Records whose words are to be said anew: after a person was taken out of them.
CREATE INDEX records_unread ON records (tenant_id) WHERE words = '';

-- How many records of each type there are, kept by the triggers below: a limit must not count a million rows.
CREATE TABLE record_counts (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    type      TEXT NOT NULL,
    count     INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (tenant_id, type)
) STRICT, WITHOUT ROWID;

-- The index of words. Each word begins with a token of its tenant and type (crates/records/src/words.rs), so that a search meets
-- nobody else's; words come folded, and `ascii` takes every other sign than a space for a part of one. Entries of what is
-- deleted are removed at once, not merely marked.
CREATE VIRTUAL TABLE records_search USING fts5 (
    words, content = 'records', content_rowid = 'place', tokenize = 'ascii', detail = 'none', columnsize = 0
);
INSERT INTO records_search (records_search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER records_inserted AFTER INSERT ON records BEGIN
    INSERT INTO records_search (rowid, words) VALUES (new.place, new.words)
    ; INSERT INTO record_counts (tenant_id, type, count) VALUES (new.tenant_id, new.type, 1)
        ON CONFLICT (tenant_id, type) DO UPDATE SET count = count + 1
    ; END;
CREATE TRIGGER records_said_anew AFTER UPDATE OF words ON records WHEN old.words <> new.words BEGIN
    INSERT INTO records_search (records_search, rowid, words) VALUES ('delete', old.place, old.words)
    ; INSERT INTO records_search (rowid, words) VALUES (new.place, new.words)
    ; END;
CREATE TRIGGER records_deleted AFTER DELETE ON records BEGIN
    INSERT INTO records_search (records_search, rowid, words) VALUES ('delete', old.place, old.words)
    ; UPDATE record_counts SET count = count - 1 WHERE tenant_id = old.tenant_id AND type = old.type
    ; END;
