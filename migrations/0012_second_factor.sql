-- Second factors. The seed of one-time codes (RFC 6238) is sealed by the vault; `last_step` is the last time step whose
-- code was accepted, so that a code counts once.
CREATE TABLE totp_factors (
    tenant_id    TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'confirmed')),
    sealed       BLOB NOT NULL,
    last_step    INTEGER,
    created_at   INTEGER NOT NULL,
    confirmed_at INTEGER,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL)),
    CHECK (state = 'pending' OR last_step IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- Recovery codes hold 120 bits of chance: a plain SHA-256 is enough.
CREATE TABLE recovery_codes (
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    PRIMARY KEY (tenant_id, user_id, hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Passkeys (WebAuthn). `public_key` never changes; `standing` holds the signature counter and what else the authenticator
-- says anew at each use.
CREATE TABLE passkeys (
    tenant_id     TEXT NOT NULL,
    passkey_id    TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    name          TEXT NOT NULL,
    credential_id BLOB NOT NULL CHECK (length(credential_id) BETWEEN 16 AND 1023),
    public_key    BLOB NOT NULL,
    standing      BLOB NOT NULL,
    transports    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    PRIMARY KEY (tenant_id, passkey_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT;

-- Who comes by passkey names neither tenant nor user: the credential does. WebAuthn wants it to be one user's only.
CREATE UNIQUE INDEX passkeys_by_credential ON passkeys (credential_id);
CREATE INDEX passkeys_by_user ON passkeys (tenant_id, user_id);

-- Challenges that wait for their answer. They belong to no tenant: who comes by passkey is not known before the answer.
CREATE TABLE passkey_challenges (
    challenge  BLOB PRIMARY KEY CHECK (length(challenge) = 16),
    purpose    TEXT NOT NULL CHECK (purpose IN ('register', 'login', 'second_factor', 'confirm')),
    tenant_id  TEXT,
    user_id    TEXT,
    state      BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((purpose = 'login') = (tenant_id IS NULL)),
    CHECK ((tenant_id IS NULL) = (user_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_challenges_by_age ON passkey_challenges (expires_at);

-- Logins that wait for a second factor: the first was shown. `bound` is the SHA-256 of the password's hash then, so that
-- a change of password ends them.
CREATE TABLE waiting_logins (
    tenant_id  TEXT NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    user_id    TEXT NOT NULL,
    methods    TEXT NOT NULL,
    cookie     INTEGER NOT NULL CHECK (cookie IN (0, 1)),
    bound      BLOB NOT NULL CHECK (length(bound) = 32),
    tries      INTEGER NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_logins_by_age ON waiting_logins (expires_at);
