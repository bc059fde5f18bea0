-- Tenants: who there is. The slug is the id. Revisions grow with each change of what instances keep in memory:
-- access (users, roles, keys) and rules.
CREATE TABLE tenants (
    tenant_id       TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    settings        TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    access_revision INTEGER NOT NULL DEFAULT 1,
    rules_revision  INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
