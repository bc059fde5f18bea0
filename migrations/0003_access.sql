-- Access: users, roles, sessions, refresh tokens, API keys. Secrets stand here only as hashes.
CREATE TABLE users (
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id),
    user_id       TEXT NOT NULL,
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    password_hash TEXT,
    version       INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, email)
) STRICT, WITHOUT ROWID;

-- Who logs in without naming a tenant.
CREATE INDEX users_by_email ON users (email);

-- A built-in role's permissions stand in the program, so that they grow with it; a tenant's own stand here.
CREATE TABLE roles (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id),
    role_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    built_in    TEXT CHECK (built_in IN ('owner', 'admin', 'editor', 'operator', 'viewer')),
    permissions TEXT CHECK (permissions IS NULL OR json_valid(permissions)),
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, role_id),
    UNIQUE (tenant_id, name),
    CHECK ((built_in IS NULL) <> (permissions IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE role_bindings (
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    role_id    TEXT NOT NULL,
    scope      TEXT NOT NULL DEFAULT '*',
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id, scope),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX role_bindings_by_role ON role_bindings (tenant_id, role_id);

CREATE TABLE sessions (
    tenant_id    TEXT NOT NULL,
    session_id   TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    cookie_hash  BLOB CHECK (cookie_hash IS NULL OR length(cookie_hash) = 32),
    address      TEXT,
    agent        TEXT,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id);

-- A used token stays until it would have expired: if it comes back, somebody copied it.
CREATE TABLE refresh_tokens (
    tenant_id  TEXT NOT NULL,
    session_id TEXT NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    state      TEXT NOT NULL CHECK (state IN ('fresh', 'used')),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id, hash),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, session_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    tenant_id       TEXT NOT NULL REFERENCES tenants (tenant_id),
    api_key_id      TEXT NOT NULL,
    prefix          TEXT NOT NULL UNIQUE,
    hash            BLOB NOT NULL CHECK (length(hash) = 32),
    name            TEXT NOT NULL,
    permissions     TEXT NOT NULL CHECK (json_valid(permissions)),
    state           TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    rate_per_minute INTEGER NOT NULL CHECK (rate_per_minute >= 1),
    created_by      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    last_used_at    INTEGER,
    revoked_at      INTEGER,
    PRIMARY KEY (tenant_id, api_key_id),
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Tries at a password, by SHA-256 of the tenant and the e-mail address that were named, whether or not they exist: so
-- the brake tells nobody who does.
CREATE TABLE login_attempts (
    subject       BLOB PRIMARY KEY CHECK (length(subject) = 32),
    tries         INTEGER NOT NULL CHECK (tries >= 1),
    blocked_until INTEGER NOT NULL,
    last_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_attempts_by_age ON login_attempts (last_at);
