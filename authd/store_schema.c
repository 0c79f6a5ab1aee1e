/*
 * store_schema: the schema as numbered migrations, in SQL that SQLite and PostgreSQL share. A
 * migration that was released is never changed; a new one is put behind it. Each runs in a
 * transaction together with its number.
 */
#include "authd/store_schema.h"

const char *const store_migrations[] = {
	/* 1: the first schema. Numbers that must never be given twice, or must grow in the order of
	 * commits, come from counter, not from the database's own sequences. */
	"CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);"
	"INSERT INTO counter (name, value) VALUES ('revocation', 0), ('policy', 0), ('audit', 0);"

	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);"

	/* People with a password. policy: grants and limits as JSON, see policy.h. */
	"CREATE TABLE account (name TEXT PRIMARY KEY, hash TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" disabled BIGINT NOT NULL DEFAULT 0, policy TEXT NOT NULL DEFAULT '{}');"

	/* policy_rev: from the counter, new at every change of policy, locked or epoch. expires_at
	 * 0: never. */
	"CREATE TABLE room (name TEXT PRIMARY KEY, created_at BIGINT NOT NULL,"
	" policy TEXT NOT NULL DEFAULT '{}', policy_rev BIGINT NOT NULL DEFAULT 0,"
	" locked BIGINT NOT NULL DEFAULT 0, expires_at BIGINT NOT NULL DEFAULT 0,"
	" epoch BIGINT NOT NULL DEFAULT 1, media_key TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX room_by_rev ON room (policy_rev);"
	/* alternates: "name:port,name:port", the same for every token of the room. */
	"CREATE TABLE placement (room TEXT PRIMARY KEY REFERENCES room (name) ON DELETE CASCADE,"
	" reflector TEXT NOT NULL, port BIGINT NOT NULL, alternates TEXT NOT NULL DEFAULT '',"
	" placed_at BIGINT NOT NULL);"

	/* source: 'user', 'apikey' or 'invite'; source_id: the key's or invite's id. 0: not yet. */
	"CREATE TABLE token (jti TEXT PRIMARY KEY, account TEXT NOT NULL, participant TEXT NOT NULL,"
	" room TEXT NOT NULL, source TEXT NOT NULL, source_id TEXT NOT NULL DEFAULT '',"
	" issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT NOT NULL DEFAULT 0,"
	" consumed_at BIGINT NOT NULL DEFAULT 0, consumed_by TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX token_by_expiry ON token (expires_at);"
	"CREATE INDEX token_by_account ON token (account, expires_at);"
	"CREATE INDEX token_by_room ON token (room, expires_at);"
	"CREATE INDEX token_by_source ON token (source_id, expires_at);"

	/* kind: 'token', 'user', 'room', 'apikey', 'invite', or 'lift' (id: the number that is
	 * lifted). room '': every room. ban 0: tokens made before this number; 1: every token until
	 * the end of it. */
	"CREATE TABLE revocation (seq BIGINT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
	" room TEXT NOT NULL DEFAULT '', ban BIGINT NOT NULL DEFAULT 0, until BIGINT NOT NULL,"
	" created_at BIGINT NOT NULL, reason TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX revocation_by_until ON revocation (until);"
	"CREATE INDEX revocation_by_id ON revocation (kind, id);"

	/* hash: SHA-256 of the secret part, base64url. rooms: JSON list of patterns. */
	"CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,"
	" rooms TEXT NOT NULL, grants TEXT NOT NULL DEFAULT '{}', admin BIGINT NOT NULL DEFAULT 0,"
	" created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL DEFAULT 0,"
	" revoked_at BIGINT NOT NULL DEFAULT 0);"

	/* passcode '': none, else its argon2id hash. uses_max 0: no limit. */
	"CREATE TABLE invite (id TEXT PRIMARY KEY, room TEXT NOT NULL, grants TEXT NOT NULL DEFAULT '{}',"
	" label TEXT NOT NULL DEFAULT '', passcode TEXT NOT NULL DEFAULT '',"
	" uses_max BIGINT NOT NULL DEFAULT 0, uses BIGINT NOT NULL DEFAULT 0,"
	" created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT NOT NULL DEFAULT 0);"
	"CREATE INDEX invite_by_room ON invite (room);"

	/* state: 'enrolling' (code and code_until are set), 'up' or 'drain'. ports: "49152-49155";
	 * allowed: addresses or networks, separated by commas, '' for that of control alone. */
	"CREATE TABLE reflector (name TEXT PRIMARY KEY, control TEXT NOT NULL, address TEXT NOT NULL,"
	" ports TEXT NOT NULL, fallback_ports TEXT NOT NULL DEFAULT '', tls_name TEXT NOT NULL,"
	" pin TEXT NOT NULL DEFAULT '', allowed TEXT NOT NULL DEFAULT '',"
	" weight BIGINT NOT NULL DEFAULT 100,"
	" state TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', code_until BIGINT NOT NULL DEFAULT 0,"
	" enrolled_at BIGINT NOT NULL DEFAULT 0);"

	/* Public halves; the private ones are files of the authd that signs with them. */
	"CREATE TABLE signing_key (kid TEXT PRIMARY KEY, x TEXT NOT NULL, created_at BIGINT NOT NULL,"
	" active_at BIGINT NOT NULL, retired_at BIGINT NOT NULL DEFAULT 0);"

	/* hash: SHA-256 in hex over the hash of the record before and this one's fields. */
	"CREATE TABLE audit (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL,"
	" address TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL,"
	" hash TEXT NOT NULL);",

	/* 2: the grants that an API key asked for, for another token in its place (a move). */
	"ALTER TABLE token ADD COLUMN asked TEXT NOT NULL DEFAULT '';",

	/* 3: number of the last revocation before the token was made: its claim "rev". */
	"ALTER TABLE token ADD COLUMN rev BIGINT NOT NULL DEFAULT 0;",
};

const int store_migration_count = (int)(sizeof(store_migrations) / sizeof(store_migrations[0]));
