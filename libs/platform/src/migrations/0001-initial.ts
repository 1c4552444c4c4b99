import type { Ddl } from './ddl';

/**
 * The first schema. Statements are re-runnable one by one, because MySQL commits each on its own: a crash half-way
 * leaves tables that the next start finds and keeps.
 */
export const initial: Ddl = {
  name: '0001-initial',
  statements: [
    // platform
    `CREATE TABLE IF NOT EXISTS lease (
      name {name} NOT NULL PRIMARY KEY, holder {text200} NOT NULL, token BIGINT NOT NULL, expires_at {time} NOT NULL)`,

    // access
    `CREATE TABLE IF NOT EXISTS person (
      id {id} NOT NULL PRIMARY KEY, login {text100} NOT NULL, name {text100} NOT NULL, password_hash {text200} NOT NULL,
      roles {text1000} NOT NULL, cert_no {text100} NULL, unit {text200} NULL, disabled_at {time} NULL,
      created_at {time} NOT NULL, UNIQUE (login))`,
    `CREATE TABLE IF NOT EXISTS session (
      id {id} NOT NULL PRIMARY KEY, person_id {id} NOT NULL, refresh_hash {digest} NOT NULL, family {id} NOT NULL,
      created_at {time} NOT NULL, expires_at {time} NOT NULL, rotated_at {time} NULL, revoked_at {time} NULL,
      UNIQUE (refresh_hash))`,
    'CREATE INDEX {if_not_exists} session_family ON session (family)',

    // audit
    `CREATE TABLE IF NOT EXISTS log_entry (
      id {serial}, log_index BIGINT NULL, entry {blob} NOT NULL, leaf_hash {hash} NOT NULL, created_at {time} NOT NULL,
      UNIQUE (log_index))`,
    `CREATE TABLE IF NOT EXISTS log_tile (
      level INT NOT NULL, idx BIGINT NOT NULL, hashes {blob} NOT NULL, PRIMARY KEY (level, idx))`,
    `CREATE TABLE IF NOT EXISTS log_checkpoint (
      size BIGINT NOT NULL PRIMARY KEY, note {text} NOT NULL, created_at {time} NOT NULL)`,

    // delivery
    `CREATE TABLE IF NOT EXISTS agreement (
      digest {digest} NOT NULL PRIMARY KEY, agreement_id {name} NOT NULL, version INT NOT NULL, document {blob} NOT NULL,
      imported_at {time} NOT NULL, UNIQUE (agreement_id, version))`,
    `CREATE TABLE IF NOT EXISTS lane (
      peer {name} NOT NULL, direction {code} NOT NULL, seq BIGINT NOT NULL, digest {digest} NULL,
      attempts INT NOT NULL, error {code} NULL, next_attempt_at {time} NULL, PRIMARY KEY (peer, direction))`,
    `CREATE TABLE IF NOT EXISTS outbox (
      jti {id} NOT NULL PRIMARY KEY, peer {name} NOT NULL, seq BIGINT NOT NULL, transfer_id {id} NOT NULL,
      envelope {text} NOT NULL, digest {digest} NOT NULL, state {code} NOT NULL, refusal {code} NULL,
      created_at {time} NOT NULL, settled_at {time} NULL, receipt {text} NULL,
      UNIQUE (peer, seq))`,
    'CREATE INDEX {if_not_exists} outbox_lane ON outbox (peer, state, seq)',
    `CREATE TABLE IF NOT EXISTS inbox (
      jti {id} NOT NULL PRIMARY KEY, peer {name} NOT NULL, seq BIGINT NOT NULL, envelope {text} NOT NULL,
      digest {digest} NOT NULL, refusal {code} NULL, log_id BIGINT NOT NULL, received_at {time} NOT NULL,
      UNIQUE (peer, seq))`,
    `CREATE TABLE IF NOT EXISTS announcement (
      peer {name} NOT NULL, digest {digest} NOT NULL, bytes BIGINT NOT NULL, jti {id} NOT NULL, crc32 BIGINT NULL,
      expires_at {time} NOT NULL, PRIMARY KEY (peer, digest))`,
    'CREATE INDEX {if_not_exists} announcement_expiry ON announcement (expires_at)',

    // exchange
    `CREATE TABLE IF NOT EXISTS transfer (
      id {id} NOT NULL PRIMARY KEY, direction {code} NOT NULL, kind {code} NOT NULL, dossier_id {id} NOT NULL,
      number {text100} NOT NULL, title {text200} NOT NULL, peer {name} NOT NULL, state {code} NOT NULL,
      delivery {code} NOT NULL, refusal {code} NULL, version INT NOT NULL, data {text} NULL,
      recognition {text} NULL, bundle_digest {digest} NULL, jti {id} NULL, author_id {id} NULL,
      created_at {time} NOT NULL, updated_at {time} NOT NULL)`,
    'CREATE INDEX {if_not_exists} transfer_direction ON transfer (direction, id)',
    'CREATE INDEX {if_not_exists} transfer_state ON transfer (state, id)',
    'CREATE INDEX {if_not_exists} transfer_dossier ON transfer (dossier_id)',
    `CREATE TABLE IF NOT EXISTS evidence (
      id {id} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, seq INT NOT NULL, file_name {text255} NOT NULL,
      media_type {text100} NOT NULL, bytes BIGINT NOT NULL, digest {digest} NULL, crc32 BIGINT NULL,
      data {text} NULL, first_hash_at {time} NULL, created_at {time} NOT NULL, UNIQUE (transfer_id, seq))`,
    'CREATE INDEX {if_not_exists} evidence_digest ON evidence (digest)',
    `CREATE TABLE IF NOT EXISTS bundle (
      digest {digest} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, manifest {blob} NOT NULL, signature {blob} NOT NULL,
      transfer_json {blob} NOT NULL, custody_json {blob} NOT NULL, recognition_json {blob} NOT NULL,
      created_at {time} NOT NULL)`,
    'CREATE INDEX {if_not_exists} bundle_transfer ON bundle (transfer_id)',
    `CREATE TABLE IF NOT EXISTS idempotency (
      person_id {id} NOT NULL, idem_key {text200} NOT NULL, request {digest} NOT NULL, transfer_id {id} NOT NULL,
      created_at {time} NOT NULL, PRIMARY KEY (person_id, idem_key))`,
  ],
};
