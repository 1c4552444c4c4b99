import type { Ddl } from './ddl';

/** What is known of peers besides their agreements: revocation lists, and what the last Hello told. */
export const trust: Ddl = {
  name: '0002-trust',
  statements: [
    `CREATE TABLE IF NOT EXISTS crl (
      issuer {digest} NOT NULL PRIMARY KEY, peer {name} NOT NULL, number BIGINT NOT NULL, this_update {time} NOT NULL,
      next_update {time} NOT NULL, digest {digest} NOT NULL, document {blob} NOT NULL, fetched_at {time} NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS peer_state (
      peer {name} NOT NULL PRIMARY KEY, seen_at {time} NULL, hello_at {time} NULL, skew_ms BIGINT NULL, rtt_ms BIGINT NULL,
      software {text100} NULL, agreements {text} NULL, certificate {digest} NULL, not_after {time} NULL, error {code} NULL,
      error_at {time} NULL)`,
  ],
};
