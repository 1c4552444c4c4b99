import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from './permissions';

/** Who acts: what an access token says of a person, so that no request needs to read the database for it. */
export interface Person {
  id: string;
  login: string;
  name: string;
  roles: readonly Role[];
  /** Number of the enforcement certificate (执法证号), for those who hold one. */
  certNo: string | null;
  unit: string | null;
  /** Since when a legal reviewer has the qualification of 行政处罚法 §58: a Chinese day, `YYYY-MM-DD`. */
  qualifiedSince: string | null;
}

@Entity('person')
export class PersonRow {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100, unique: true })
  login!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** PHC string of argon2id; never leaves this library. */
  @Column('varchar', { name: 'password_hash', length: 200 })
  passwordHash!: string;

  @Column('simple-json')
  roles!: Role[];

  @Column('varchar', { name: 'cert_no', length: 100, nullable: true })
  certNo!: string | null;

  @Column('varchar', { length: 200, nullable: true })
  unit!: string | null;

  @Column('varchar', { name: 'qualified_since', length: 10, nullable: true })
  qualifiedSince!: string | null;

  @Column('varchar', { name: 'disabled_at', length: 24, nullable: true })
  disabledAt!: string | null;

  @Column('varchar', { name: 'created_at', length: 24 })
  createdAt!: string;
}

/** One refresh token. A sign-in begins a family; each refresh rotates it to a new row of the same family. */
@Entity('session')
export class SessionRow {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { name: 'person_id', length: 36 })
  personId!: string;

  /** Digest of the token: whoever reads the table can't use it. */
  @Column('varchar', { name: 'refresh_hash', length: 71, unique: true })
  refreshHash!: string;

  @Column('varchar', { length: 36 })
  family!: string;

  @Column('varchar', { name: 'created_at', length: 24 })
  createdAt!: string;

  @Column('varchar', { name: 'expires_at', length: 24 })
  expiresAt!: string;

  @Column('varchar', { name: 'rotated_at', length: 24, nullable: true })
  rotatedAt!: string | null;

  @Column('varchar', { name: 'revoked_at', length: 24, nullable: true })
  revokedAt!: string | null;
}
