import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { openCheckpoint, parseCheckpointBody, signCheckpoint } from './checkpoint';
import { cosignatureLine, encodeVkey, noteKey, noteSigner, parseNote, parseVkey, signNote, verifyNote } from './note';

const malformed = expect.objectContaining({ code: 'LOG_MALFORMED' });
const badSignature = expect.objectContaining({ code: 'LOG_SIGNATURE_INVALID' });

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

/** The published example of golang.org/x/mod/sumdb/note. */
const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peter =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enoch =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';

describe('signed notes', () => {
  it('opens the published note, with either signer or both known', () => {
    const note = parseNote(`${text}\n${peter}${enoch}`);
    expect(note.text).toBe(text);
    const names = (keys: string[]) => verifyNote(note, keys.map(parseVkey)).map(({ key }) => key.name);
    expect(names([peterKey])).toEqual(['PeterNeumann']);
    expect(names([peterKey, enochKey])).toEqual(['PeterNeumann', 'EnochRoot']);
    expect(caught(() => verifyNote(note, []))).toEqual(badSignature);
  });

  it('condemns a note with one false signature of a known key, whatever the others say', () => {
    const note = parseNote(`${text}\n${enoch}${peter.replace('x08go/Z', 'x08go/a')}`);
    expect(verifyNote(note, [parseVkey(enochKey)])).toHaveLength(1);
    expect(caught(() => verifyNote(note, [parseVkey(enochKey), parseVkey(peterKey)]))).toEqual(badSignature);
  });

  it('reads and writes vkeys, those of sum.golang.org and of a public witness too', () => {
    for (const vkey of [
      peterKey,
      'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
      'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
    ]) {
      expect(encodeVkey(parseVkey(vkey))).toBe(vkey);
    }
    expect(parseVkey('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2').type).toBe(4);
  });

  it.each([
    ['another key id', peterKey.replace('c74f20a3', 'c74f20a4')],
    ['capitals in the key id', peterKey.replace('c74f20a3', 'C74F20A3')],
    ['a short key', peterKey.slice(0, -4)],
    ['an unknown type', 'PeterNeumann+c74f20a3+AhpcZQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
    ['no name', peterKey.replace('PeterNeumann', '')],
    ['a space in the name', peterKey.replace('PeterNeumann', 'Peter Neumann')],
    ['an ideographic space in the name', peterKey.replace('PeterNeumann', 'Peter\u3000Neumann')],
    ['a line break after it', `${peterKey}\n`],
  ])('refuses a vkey with %s', (_, vkey) => {
    expect(caught(() => parseVkey(vkey))).toEqual(malformed);
  });

  it('refuses a key of small order, under which OpenSSL takes a forged signature for any text', () => {
    const identity = Buffer.alloc(32);
    identity[0] = 1;
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), identity]);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const forged = Buffer.concat([identity, Buffer.alloc(32)]);
    expect(verify(null, Buffer.from('any text'), publicKey, forged)).toBe(true);
    expect(caught(() => parseVkey(encodeVkey(noteKey('weak', publicKey))))).toMatchObject({
      params: { reason: 'weak-key' },
    });
  });

  it.each([
    ['no signature', text],
    ['no signature line', `${text}\n`],
    ['no last newline', `${text}\n${peter.trimEnd()}`],
    ['a hyphen for the dash', `${text}\n${peter.replace('—', '-')}`],
    ['two spaces', `${text}\n${peter.replace('n x', 'n  x')}`],
    ['a carriage return', `${text.replace('\n', '\r\n')}\n${peter}`],
    ['a NUL', `\0${text}\n${peter}`],
    ['a plus in the name', `${text}\n${peter.replace('Peter', 'Pet+r')}`],
    ['base64 with spare bits', `${text}\n${peter.replace('nAM=', 'nAN=')}`],
    ['base64 without padding', `${text}\n${peter.replace('nAM=', 'nAM')}`],
    ['a key id and nothing else', `${text}\n— PeterNeumann x08gow==\n`],
    ['17 signatures', `${text}\n${peter.repeat(17)}`],
    ['more than 64 KiB', `${'x'.repeat(66_000)}\n\n${peter}`],
    ['half a surrogate', `\ud83d\n\n${peter}`],
  ])('refuses a note with %s', (_, note) => {
    expect(caught(() => parseNote(note))).toEqual(malformed);
  });

  it('refuses bytes that are not UTF-8, and a byte-order mark is part of the text', () => {
    const good = Buffer.from(`${text}\n${peter}`);
    expect(caught(() => parseNote(Buffer.concat([Buffer.of(0xff), good])))).toEqual(malformed);
    const marked = parseNote(Buffer.concat([Buffer.from('\ufeff'), good]));
    expect(caught(() => verifyNote(marked, [parseVkey(peterKey)]))).toEqual(badSignature);
  });

  it('takes 16 signatures and empty lines inside the text', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const signer = noteSigner('pinghu.example/log', privateKey);
    const line = signNote('a\n\nb\n', [signer]);
    expect(parseNote(line).text).toBe('a\n\nb\n');
    expect(parseNote(`${text}\n${peter.repeat(16)}`).signatures).toHaveLength(16);
    expect(caught(() => signNote('no newline', [signer]))).toEqual(malformed);
  });

  it('never throws anything but a named refusal', () => {
    const piece = fc.constantFrom('— ', 'a', ' ', '\n', '\n\n', '+', '=', 'AAAAAAAA', '\0', '界', peter, text);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const error = caught(() => parseNote(pieces.join('')));
        if (error !== null) expect(error).toEqual(malformed);
      }),
    );
  });
});

describe('checkpoints', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const origin = 'jieqiao.log/pinghu.330482';
  const signer = noteSigner(origin, privateKey);
  const log = signer.key;
  const root = Buffer.alloc(32, 7);

  it('round trip, the same text each time', () => {
    const signed = signCheckpoint(42, root, [signer]);
    expect(signCheckpoint(42, root, [signer])).toBe(signed);
    expect(openCheckpoint(Buffer.from(signed), parseVkey(encodeVkey(log)))).toEqual({
      origin,
      size: 42,
      root,
      extensions: [],
      cosignatures: [],
    });
  });

  it.each([
    ['a leading zero', `${origin}\n042\n${root.toString('base64')}\n`],
    ['a sign', `${origin}\n+42\n${root.toString('base64')}\n`],
    ['a size that no number holds', `${origin}\n9007199254740993\n${root.toString('base64')}\n`],
    ['a root of 31 bytes', `${origin}\n42\n${root.subarray(1).toString('base64')}\n`],
    ['an empty origin', `\n42\n${root.toString('base64')}\n`],
    ['two lines', `${origin}\n42\n`],
    ['an empty extension line', `${origin}\n42\n${root.toString('base64')}\n\nx\n`],
  ])('refuses a body with %s', (_, body) => {
    expect(caught(() => parseCheckpointBody(body))).toEqual(malformed);
  });

  it('carries the signatures of two generations of the key: each alone opens it', () => {
    const next = noteSigner(origin, generateKeyPairSync('ed25519').privateKey);
    const signed = signCheckpoint(42, root, [next, signer]);
    for (const { key } of [next, signer]) expect(openCheckpoint(signed, key).size).toBe(42);
    expect(parseNote(signed).signatures).toHaveLength(2);
    const other = noteSigner('jieqiao.log/jinshan.310116', generateKeyPairSync('ed25519').privateKey);
    expect(() => signCheckpoint(42, root, [signer, other])).toThrow(TypeError);
    expect(() => signCheckpoint(42, root, [])).toThrow(TypeError);
  });

  it('refuses another origin under the same key, and another signer under the same name', () => {
    const other = signNote(`other.log\n42\n${root.toString('base64')}\n`, [signer]);
    expect(caught(() => openCheckpoint(other, log))).toEqual(badSignature);
    const stranger = noteKey(origin, generateKeyPairSync('ed25519').privateKey);
    expect(caught(() => openCheckpoint(signCheckpoint(42, root, [signer]), stranger))).toEqual(badSignature);
  });

  it('verifies cosignatures with their time, but not in place of the log', () => {
    const pair = generateKeyPairSync('ed25519');
    const witness = noteKey('jieqiao.log/jinshan.310116', pair.privateKey, 4);
    const signed = signCheckpoint(42, root, [signer]);
    const body = parseNote(signed).text;
    const line = cosignatureLine(body, witness, pair.privateKey, 1_764_000_000);
    expect(openCheckpoint(signed + line, log, [witness]).cosignatures).toEqual([{ key: witness, time: 1_764_000_000 }]);
    expect(openCheckpoint(signed + line, log).cosignatures).toEqual([]);
    expect(caught(() => openCheckpoint(`${body}\n${line}`, log, [witness]))).toEqual(badSignature);
    const later = Buffer.from(line.split(' ')[2]!, 'base64');
    later[11]! ^= 1;
    const forged = `${signed}— ${witness.name} ${later.toString('base64')}\n`;
    expect(caught(() => openCheckpoint(forged, log, [witness]))).toEqual(badSignature);
  });
});
