import type { Ddl } from './ddl';

/** The life of a transfer on both sides, and the documents of its steps. */
export const casework: Ddl = {
  name: '0003-casework',
  statements: [
    'ALTER TABLE transfer ADD COLUMN life {text} NULL',
    'ALTER TABLE transfer ADD COLUMN last_jti {id} NULL',
    'ALTER TABLE transfer ADD COLUMN acknowledged {text1000} NULL',
    'ALTER TABLE transfer ADD COLUMN decisions {text} NULL',
    'ALTER TABLE transfer ADD COLUMN findings {text} NULL',
    'ALTER TABLE evidence ADD COLUMN last_version INT NULL',
    'ALTER TABLE bundle ADD COLUMN filing_proof {text} NULL',
    `CREATE TABLE IF NOT EXISTS document (
      digest {digest} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, type {code} NOT NULL, side {code} NOT NULL,
      content {blob} NOT NULL, manifest_digest {digest} NULL, manifest {blob} NULL, signature {blob} NULL,
      filing_proof {text} NULL, created_at {time} NOT NULL)`,
    'CREATE INDEX {if_not_exists} document_transfer ON document (transfer_id)',
    'CREATE INDEX {if_not_exists} document_manifest ON document (manifest_digest)',
    'CREATE INDEX {if_not_exists} transfer_number ON transfer (number)',
    'CREATE INDEX {if_not_exists} outbox_transfer ON outbox (transfer_id, seq)',
  ],
};
