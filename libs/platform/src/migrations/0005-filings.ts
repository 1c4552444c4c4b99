import type { Ddl } from './ddl';

/** The filing register, what peers can find in it, and how much each side has asked. */
export const filings: Ddl = {
  name: '0005-filings',
  statements: [
    `CREATE TABLE IF NOT EXISTS filing (
      id {id} NOT NULL PRIMARY KEY, number {text100} NOT NULL, authority {text100} NOT NULL, family {name} NOT NULL,
      item {name} NULL, act_from {time} NOT NULL, act_to {time} NOT NULL, place_code {name} NOT NULL,
      longitude DOUBLE NOT NULL, latitude DOUBLE NOT NULL, party_keys {text} NOT NULL, salt_key {name} NOT NULL,
      statement {text} NOT NULL, transfer_id {id} NULL, person_id {id} NOT NULL, log_id BIGINT NOT NULL,
      attested_at {time} NULL, proof {text} NULL, proof_digest {digest} NULL, created_at {time} NOT NULL,
      closed_at {time} NULL, closed_reason {code} NULL, UNIQUE (authority, number))`,
    'CREATE INDEX {if_not_exists} filing_attested ON filing (attested_at)',
    'CREATE INDEX {if_not_exists} filing_transfer ON filing (transfer_id)',
    `CREATE TABLE IF NOT EXISTS filing_tag (
      owner {name} NOT NULL, tag {name} NOT NULL, filing_id {id} NOT NULL, key_id {name} NOT NULL, month {name} NOT NULL,
      sealed {blob} NOT NULL, PRIMARY KEY (owner, tag, filing_id))`,
    'CREATE INDEX {if_not_exists} filing_tag_month ON filing_tag (owner, month, key_id)',
    'CREATE INDEX {if_not_exists} filing_tag_filing ON filing_tag (filing_id, owner)',
    `CREATE TABLE IF NOT EXISTS act_quota (
      peer {name} NOT NULL, direction {code} NOT NULL, hour {time} NOT NULL, elements INT NOT NULL,
      refused INT NOT NULL, PRIMARY KEY (peer, direction))`,
  ],
};
