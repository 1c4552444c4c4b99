import type { Ddl } from './ddl';

/**
 * Persons' qualification, the unit that wrote a transfer, and typed personal data apart from the rest, sealed.
 * `content_access` is why somebody read what they may read for a reason only.
 */
export const personalData: Ddl = {
  name: '0006-personal-data',
  statements: [
    'ALTER TABLE person ADD COLUMN qualified_since {day} NULL',
    'ALTER TABLE transfer ADD COLUMN unit {text200} NULL',
    `CREATE TABLE IF NOT EXISTS personal_data (
      transfer_id {id} NOT NULL, holder {name} NOT NULL, sealed {blob} NOT NULL, PRIMARY KEY (transfer_id, holder))`,
    `CREATE TABLE IF NOT EXISTS content_access (
      id {id} NOT NULL PRIMARY KEY, person_id {id} NOT NULL, transfer_id {id} NOT NULL, what {code} NOT NULL,
      pointer {text200} NULL, category {code} NULL, reason {code} NOT NULL, reason_text {text1000} NOT NULL,
      created_at {time} NOT NULL)`,
    'CREATE INDEX {if_not_exists} content_access_person ON content_access (person_id, what, created_at)',
    'CREATE INDEX {if_not_exists} content_access_transfer ON content_access (transfer_id)',
  ],
};
