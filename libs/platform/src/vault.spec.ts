import { randomBytes } from 'node:crypto';
import { GatewayError } from '@jieqiao/core';
import { type DataKey, dataKey, Vault } from './vault';

const vaultWith = (...dataKeys: DataKey[]) => new Vault(() => ({ dataKeys }), randomBytes);
const [old, fresh] = [dataKey(randomBytes(32)), dataKey(randomBytes(32))];
const clear = Buffer.from('当事人甲 13800001234');

function reasonOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe('KEY_UNUSABLE');
    return error.params.reason;
  }
  return 'opened';
}

it('gives back what it has sealed, and each sealing is another', () => {
  const vault = vaultWith(fresh);
  const [first, second] = [vault.seal('row 1', clear), vault.seal('row 1', clear)];
  expect(vault.open('row 1', first)).toEqual(clear);
  expect(vault.open('row 1', second)).toEqual(clear);
  expect(first.equals(second)).toBe(false);
  expect(first.includes(clear)).toBe(false);
});

it('seals under the newest key and opens under every one it has', () => {
  const before = vaultWith(old).seal('row', clear);
  const vault = vaultWith(fresh, old);
  expect(vault.open('row', before)).toEqual(clear);
  expect(reasonOf(() => vaultWith(old).open('row', vault.seal('row', clear)))).toBe('no-data-key');
  expect(reasonOf(() => vaultWith().seal('row', clear))).toBe('no-data-key');
});

it('opens nothing that was altered, cut, or put into another row', () => {
  const vault = vaultWith(fresh);
  const sealed = vault.seal('row 1', clear);
  expect(reasonOf(() => vault.open('row 2', sealed))).toBe('sealed-data-altered');
  for (let i = 0; i < sealed.length; i++) {
    const altered = Buffer.from(sealed);
    altered[i]! ^= 1;
    expect(reasonOf(() => vault.open('row 1', altered))).toMatch(/sealed-data-altered|no-data-key/);
    expect(reasonOf(() => vault.open('row 1', sealed.subarray(0, i)))).toMatch(/sealed-data-altered|no-data-key/);
  }
});
