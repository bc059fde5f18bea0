-- OAuth clients: programs that get access tokens by RFC 6749, section 4.4. A secret stands here only as a hash; while it is
-- turned, the old one holds beside the new one until its time is over. A client may show a signature instead of a secret
-- (RFC 7523): then its public key stands here, as a JSON Web Key.
CREATE TABLE clients (
    tenant_id        TEXT NOT NULL REFERENCES tenants (tenant_id),
    client_id        TEXT NOT NULL,
    name             TEXT NOT NULL,
    permissions      TEXT NOT NULL CHECK (json_valid(permissions)),
    state            TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    rate_per_minute  INTEGER NOT NULL CHECK (rate_per_minute >= 1),
    networks         TEXT CHECK (networks IS NULL OR json_valid(networks)),
    public_key       TEXT CHECK (public_key IS NULL OR json_valid(public_key)),
    secret_hash      BLOB CHECK (secret_hash IS NULL OR length(secret_hash) = 32),
    secret_made_at   INTEGER,
    old_secret_hash  BLOB CHECK (old_secret_hash IS NULL OR length(old_secret_hash) = 32),
    old_secret_until INTEGER,
    version          INTEGER NOT NULL CHECK (version >= 1),
    created_by       TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    expires_at       INTEGER,
    last_used_at     INTEGER,
    revoked_at       INTEGER,
    PRIMARY KEY (tenant_id, client_id),
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK (secret_hash IS NOT NULL OR public_key IS NOT NULL),
    CHECK ((secret_hash IS NULL) = (secret_made_at IS NULL)),
    CHECK ((old_secret_hash IS NULL) = (old_secret_until IS NULL)),
    CHECK (old_secret_hash IS NULL OR secret_hash IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- Who asks for a token names the client and not the tenant.
CREATE UNIQUE INDEX clients_by_id ON clients (client_id);

-- Signatures that clients showed, by the SHA-256 of their ids: each is good once.
CREATE TABLE client_assertions (
    tenant_id  TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, client_id, hash),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Access tokens of clients that were revoked before they expired (RFC 7009); a person's are revoked with the session.
CREATE TABLE revoked_tokens (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id),
    jti        TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, jti)
) STRICT, WITHOUT ROWID;

-- Networks that an API key is good from, and the key that took its place when it was turned.
ALTER TABLE api_keys ADD COLUMN networks TEXT CHECK (networks IS NULL OR json_valid(networks));
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT;
