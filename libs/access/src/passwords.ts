import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. About 20 ms of one core. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const;

/** Equal passwords typed on different machines are equal bytes. */
const normalised = (password: string) => password.normalize('NFKC');

/** The PHC string to store. Argon2id is the library's default variant. */
export function hashPassword(password: string): Promise<string> {
  return hash(normalised(password), cost);
}

let decoy: Promise<string> | null = null;

/**
 * Whether the password fits. Without a stored hash (unknown login) it works as long, so that the time of the
 * answer does not tell which logins exist.
 */
export async function checkPassword(stored: string | null, password: string): Promise<boolean> {
  decoy ??= hashPassword(randomBytes(16).toString('hex'));
  const fits = await verify(stored ?? (await decoy), normalised(password));
  return fits && stored !== null;
}
