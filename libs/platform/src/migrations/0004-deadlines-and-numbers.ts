import type { Ddl } from './ddl';

/** The clocks of transfers as the scheduler needs them, what it tells people, and the register of document numbers. */
export const deadlinesAndNumbers: Ddl = {
  name: '0004-deadlines-and-numbers',
  statements: [
    // `matter` and `squad` are 0 for none: NULLs would not be unique.
    `CREATE TABLE IF NOT EXISTS clock (
      id {id} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, clock {code} NOT NULL, matter INT NOT NULL,
      started_by {name} NOT NULL, owner {code} NOT NULL, side {code} NOT NULL, started_at {time} NOT NULL,
      until_day {code} NULL, pauses {text} NOT NULL, length {text} NULL, due_at {time} NULL, fault {code} NULL,
      stopped_at {time} NULL, stopped_by {code} NULL, stopped_with {code} NULL, overdue BOOLEAN NOT NULL,
      reminded INT NOT NULL, looked_at {time} NOT NULL, next_at {time} NULL,
      UNIQUE (transfer_id, clock, matter, started_by))`,
    'CREATE INDEX {if_not_exists} clock_next ON clock (next_at, id)',
    'CREATE INDEX {if_not_exists} clock_due ON clock (stopped_at, due_at, id)',
    `CREATE TABLE IF NOT EXISTS reminder (
      id {id} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, clock_id {id} NOT NULL, role {code} NOT NULL,
      remind_at {time} NOT NULL, ended_at {time} NULL, acknowledged_by {id} NULL,
      UNIQUE (clock_id, remind_at, role))`,
    'CREATE INDEX {if_not_exists} reminder_open ON reminder (ended_at, role, id)',
    `CREATE TABLE IF NOT EXISTS supervision_item (
      id {id} NOT NULL PRIMARY KEY, transfer_id {id} NOT NULL, kind {code} NOT NULL, subject {name} NOT NULL,
      clock {code} NULL, code {code} NULL, state {code} NOT NULL, opened_at {time} NOT NULL, closed_at {time} NULL,
      closed_by {code} NULL, closed_with {code} NULL, closer_id {id} NULL, note {text1000} NULL,
      UNIQUE (subject, kind))`,
    'CREATE INDEX {if_not_exists} supervision_item_state ON supervision_item (state, id)',
    'CREATE INDEX {if_not_exists} supervision_item_transfer ON supervision_item (transfer_id)',

    `CREATE TABLE IF NOT EXISTS document_number (
      id {id} NOT NULL PRIMARY KEY, authority {name} NOT NULL, type {code} NOT NULL, year INT NOT NULL,
      squad INT NOT NULL, sequence BIGINT NULL, number {text100} NOT NULL, number_key {text100} NOT NULL,
      state {code} NOT NULL, transfer_id {id} NULL, document {digest} NULL, issued_at {time} NOT NULL,
      issued_by {id} NULL, voided_at {time} NULL, voided_by {id} NULL, reason {text1000} NULL,
      UNIQUE (authority, type, year, squad, sequence), UNIQUE (authority, number_key))`,
    'CREATE INDEX {if_not_exists} document_number_list ON document_number (type, year, id)',
    `CREATE TABLE IF NOT EXISTS number_counter (
      authority {name} NOT NULL, type {code} NOT NULL, year INT NOT NULL, squad INT NOT NULL, last BIGINT NOT NULL,
      PRIMARY KEY (authority, type, year, squad))`,
  ],
};
