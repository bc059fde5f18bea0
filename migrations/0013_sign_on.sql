-- Single sign-on. A connection is a tenant's own identity provider; what may be shown of it stands in config, the client
-- secret is sealed.
CREATE TABLE sign_on_connections (
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id),
    connection_id TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('oidc', 'saml')),
    name          TEXT NOT NULL,
    config        TEXT NOT NULL CHECK (json_valid(config)),
    secret        BLOB,
    is_active     INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, connection_id),
    CHECK (kind = 'oidc' OR secret IS NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sign_on_connections_by_name ON sign_on_connections (tenant_id, lower(name));

-- Whom a provider means by a subject. The subject decides, never the address; a person has one at each provider.
CREATE TABLE sign_on_identities (
    tenant_id     TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    subject       TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    linked_at     INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, subject),
    UNIQUE (tenant_id, user_id, connection_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES sign_on_connections (tenant_id, connection_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A sign-on that was begun and not finished: known by SHA-256 of its state and of what the browser keeps. Taken once.
CREATE TABLE sign_on_attempts (
    tenant_id     TEXT NOT NULL,
    state_hash    BLOB NOT NULL CHECK (length(state_hash) = 32),
    browser_hash  BLOB NOT NULL CHECK (length(browser_hash) = 32),
    connection_id TEXT NOT NULL,
    answer        TEXT NOT NULL CHECK (answer IN ('cookie', 'code', 'json')),
    return_to     TEXT,
    challenge     BLOB CHECK (challenge IS NULL OR length(challenge) = 32),
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, state_hash),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES sign_on_connections (tenant_id, connection_id) ON DELETE CASCADE,
    CHECK ((answer = 'code') = (challenge IS NOT NULL)),
    CHECK ((answer = 'json') = (return_to IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_on_attempts_by_age ON sign_on_attempts (expires_at);

-- A finished sign-on whose tokens a frontend fetches with a code, good once.
CREATE TABLE sign_on_handoffs (
    tenant_id     TEXT NOT NULL,
    code_hash     BLOB NOT NULL CHECK (length(code_hash) = 32),
    challenge     BLOB NOT NULL CHECK (length(challenge) = 32),
    user_id       TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, code_hash),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES sign_on_connections (tenant_id, connection_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_on_handoffs_by_age ON sign_on_handoffs (expires_at);

-- Assertions of SAML that were taken, until they would have expired: none is taken twice.
CREATE TABLE sign_on_assertions (
    tenant_id     TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    assertion     BLOB NOT NULL CHECK (length(assertion) = 32),
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, assertion),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES sign_on_connections (tenant_id, connection_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_on_assertions_by_age ON sign_on_assertions (expires_at);
