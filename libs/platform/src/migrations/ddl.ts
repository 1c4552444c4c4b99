export type Dialect = 'sqlite' | 'mysql';

/** Hand-written SQL, one text for both engines; `{names}` stand for the few column types that differ. */
export interface Ddl {
  name: string;
  statements: readonly string[];
}

const ascii = (type: string) => `${type} CHARACTER SET ascii COLLATE ascii_bin`;

const types: Record<string, Record<Dialect, string>> = {
  id: { mysql: ascii('CHAR(36)'), sqlite: 'TEXT' },
  digest: { mysql: ascii('CHAR(71)'), sqlite: 'TEXT' },
  time: { mysql: ascii('CHAR(24)'), sqlite: 'TEXT' },
  day: { mysql: ascii('CHAR(10)'), sqlite: 'TEXT' },
  name: { mysql: ascii('VARCHAR(100)'), sqlite: 'TEXT' },
  code: { mysql: ascii('VARCHAR(48)'), sqlite: 'TEXT' },
  text100: { mysql: 'VARCHAR(100)', sqlite: 'TEXT' },
  text200: { mysql: 'VARCHAR(200)', sqlite: 'TEXT' },
  text255: { mysql: 'VARCHAR(255)', sqlite: 'TEXT' },
  text1000: { mysql: 'VARCHAR(1000)', sqlite: 'TEXT' },
  text: { mysql: 'MEDIUMTEXT', sqlite: 'TEXT' },
  blob: { mysql: 'MEDIUMBLOB', sqlite: 'BLOB' },
  hash: { mysql: 'BINARY(32)', sqlite: 'BLOB' },
  serial: { mysql: 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY', sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT' },
};

/** Binary collation everywhere: both engines compare texts the same way, byte by byte. */
const tableOptions = ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';

export function statementFor(dialect: Dialect, statement: string): string {
  const sql = statement
    // MySQL 8 has no CREATE INDEX IF NOT EXISTS; there the duplicate-name error is taken as "already done".
    .replace('{if_not_exists} ', dialect === 'sqlite' ? 'IF NOT EXISTS ' : '')
    .replace(/\{(\w+)\}/g, (_, name: string) => {
      const type = types[name];
      if (!type) throw new Error(`no such column type: ${name}`);
      return type[dialect];
    });
  return dialect === 'mysql' && sql.startsWith('CREATE TABLE') ? sql + tableOptions : sql;
}
