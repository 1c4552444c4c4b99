import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  base64url,
  canonicalJson,
  commitmentTo,
  digestOf,
  encodeLogEntry,
  encodeVkey,
  type FilingStatement,
  formatTlogProof,
  type LogEvent,
  leafHash,
  logOrigin,
  noteSigner,
  signCheckpoint,
} from '@jieqiao/core';
import { ActQuestion, actKeyFor, actTag, evaluateBlinded, type FilingNotice } from '@jieqiao/delivery';
import { type ActDescription, actOf, askedElements, filedElements } from '@jieqiao/recognition';

type Json = Record<string, unknown>;

/** P-256's order. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Bytes that look like chance and are the same every time; what was given is kept. */
export function countedBytes(seed: string): { random: (bytes: number) => Buffer; given: Buffer[] } {
  const given: Buffer[] = [];
  const random = (bytes: number) => {
    const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, i) =>
      createHash('sha256').update(`${seed} ${given.length} ${i}`).digest(),
    );
    const drawn = Buffer.concat(blocks).subarray(0, bytes);
    given.push(drawn);
    return Buffer.from(drawn);
  };
  return { random, given };
}

/** The scalar that 48 uniform bytes stand for. */
export const scalarOf = (bytes: Buffer): string =>
  ((BigInt(`0x${bytes.toString('hex')}`) % (order - 1n)) + 1n).toString(16).padStart(64, '0');

/** Bytes from which the library makes exactly this scalar. */
export const bytesFor = (scalar: string): Buffer =>
  Buffer.from((BigInt(`0x${scalar}`) - 1n).toString(16).padStart(96, '0'), 'hex');

const place = (longitude: number, latitude: number) => ({ longitude, latitude });

const acts: [name: string, description: ActDescription][] = [
  [
    'a night, over midnight for who asks',
    {
      family: 'river-pollution',
      act: { from: '2022-09-14T22:15:00+08:00', to: '2022-09-14T22:40:00+08:00', place: place(121.05, 30.87) },
      parties: [{ kind: 'organisation', vessel: '平运货0001' }],
    },
  ],
  [
    'nine days: by months, over the end of one for who asks',
    {
      family: 'construction-waste-dumping',
      act: { from: '2026-08-23T20:00:00+08:00', to: '2026-08-31T23:00:00+08:00', place: place(121.0158, 30.8846) },
      parties: [{ kind: 'organisation', name: '平戊运输有限公司', uscc: '91330482000000051R' }],
    },
  ],
  [
    'longer than a year: its last twelve months',
    {
      family: 'illegal-posting',
      act: { from: '2020-01-10T08:00:00+08:00', to: '2022-09-01T08:00:00+08:00', place: place(121.0099, 30.8799) },
      parties: [{ kind: 'organisation', name: '沪乙家政服务有限公司' }],
    },
  ],
  [
    'spellings of plates and names; an act that goes on; a Chinese day that begins at 16:00 UTC',
    {
      family: 'street-vending',
      act: { from: '2022-08-20T16:00:00Z', place: place(121.0, 31.0) },
      discoveredAt: '2022-08-20T16:30:00Z',
      parties: [
        { kind: 'natural', name: '当事人甲', plate: '沪ａ·１２３４５' },
        { kind: 'organisation', name: '沪甲（上海）土方工程　有限公司' },
        { kind: 'unknown', name: '不明' },
      ],
    },
  ],
  [
    'nobody known',
    {
      family: 'street-vending',
      act: { from: '2022-08-20T18:00:00+08:00', place: place(121.0, 31.0) },
      parties: [{ kind: 'unknown' }],
    },
  ],
];

export function elementVectors(): Json[] {
  return acts.map(([name, description]) => ({
    name,
    description,
    filed: filedElements(actOf(description)).map(({ text }) => text),
    asked: askedElements(actOf(description)).map(({ text }) => text),
  }));
}

/** One question and its answer, with everything that either side drew. 48 elements: three proofs. */
export async function exchangeVector(): Promise<Json> {
  const secret = createHash('sha256').update('jieqiao same-act vectors').digest();
  const peer = 'pinghu.330482';
  const key = actKeyFor(secret, peer);
  const [, description] = acts[0]!;
  const about = {
    ...description,
    parties: ['0001', '0002', '0003', '0004'].map((n) => ({ kind: 'natural', vessel: n })),
  };
  const asked = askedElements(actOf(about as ActDescription));
  const matching = { ...about, parties: [{ kind: 'natural', vessel: '0003' }] } as ActDescription;
  const other = { ...about, parties: [{ kind: 'natural', vessel: '0009' }] } as ActDescription;
  const drawn = countedBytes('tags');
  const filings = [matching, other].flatMap((filed, i) =>
    filedElements(actOf(filed)).map((element) => {
      const notice: FilingNotice = {
        number: `金综执立字〔2022〕第${12 + i}号`,
        filedAt: `2022-09-15T01:0${5 + i}:00.000Z`,
        statement: digestOf(Buffer.from(`statement ${i}`)),
        salt: base64url(drawn.random(16)),
        transfer: i === 0 ? '' : '0193569e-7b2c-7000-8000-000000000001',
      };
      const { tag, sealed } = actTag(key, element.text, notice, drawn.random);
      return {
        element: element.text,
        month: element.month,
        notice,
        tag: tag.toString('hex'),
        sealed: sealed.toString('hex'),
      };
    }),
  );
  const blinds = countedBytes('blinds');
  const question = await ActQuestion.about(asked, blinds.random);
  const { months, blinded } = question.request;
  const proofs = countedBytes('proofs');
  const answer = await evaluateBlinded(key, blinded as Buffer[], proofs.random);
  const hex = (list: readonly Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString('hex'));
  return {
    secret: secret.toString('hex'),
    peer,
    secretKey: Buffer.from(key.secretKey).toString('hex'),
    publicKey: Buffer.from(key.publicKey).toString('hex'),
    filings,
    question: {
      elements: asked.map(({ text }) => text),
      blinds: blinds.given.map(scalarOf),
      months,
      blinded: hex(blinded as Buffer[]),
    },
    answer: {
      proofScalars: proofs.given.map(scalarOf),
      evaluated: hex(answer.evaluated),
      proofs: hex(answer.proofs),
      tags: filings.map(({ tag }) => tag).sort(),
    },
    matches: [filings[0]!.notice],
  };
}

/** An Ed25519 key that is no secret. */
function vectorKey(): KeyObject {
  const pkcs8 = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    createHash('sha256').update('jieqiao filing vectors').digest(),
  ]);
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}

/** A filing's statement with proofs of it, and of what only looks like it. */
export function filingVectors(): Json {
  const node = 'jinshan.310116';
  const signer = noteSigner(logOrigin(node), vectorKey());
  const [, description] = acts[0]!;
  const elements = filedElements(actOf(description));
  const salts = elements.map((_, i) => Buffer.alloc(16, i + 1));
  const statement: FilingStatement = {
    schema: 'jieqiao/filing/v1',
    acts: elements.map(({ text }, i) => commitmentTo(text, salts[i]!)).sort(),
    authority: '上海市金山区城市管理行政执法局',
    family: description.family,
    id: '0193569e-7b2c-7000-8000-000000000001',
    node,
    number: '金综执立字〔2022〕第12号',
  };
  const bytes = canonicalJson(statement);
  const person = '0193569e-7b2c-7000-8000-00000000000a';
  const proofOf = (event: LogEvent, by = node): string => {
    const at = { node: by, time: '2022-09-15T01:05:00.000Z', nonce: Buffer.alloc(16, 7) };
    const entry = encodeLogEntry(event, at);
    const checkpoint = signCheckpoint(1, leafHash(entry), [signer]);
    return formatTlogProof({ extra: entry, index: 0, hashes: [], checkpoint });
  };
  const subject = { filing: digestOf(bytes), person, transfer: null };
  const good = proofOf({ event: 'filing.attested', subject });
  const text = bytes.toString();
  return {
    vkey: encodeVkey(signer.key),
    elements: elements.map(({ text: element }, i) => ({
      element,
      salt: base64url(salts[i]!),
      commitment: commitmentTo(element, salts[i]!),
    })),
    good: { statement: text, proof: good, attestedAt: '2022-09-15T01:05:00.000Z', digest: digestOf(bytes) },
    bad: [
      {
        what: 'another number',
        statement: text.replace('第12号', '第13号'),
        proof: good,
        code: 'RECEIPT_INVALID',
        reason: 'statement',
      },
      {
        what: 'another act',
        statement: canonicalJson({ ...statement, acts: [commitmentTo('another', salts[0]!)] }).toString(),
        proof: good,
        code: 'RECEIPT_INVALID',
        reason: 'statement',
      },
      {
        what: 'an entry of another event',
        statement: text,
        proof: proofOf({ event: 'filing.closed', subject: { filing: digestOf(bytes), person, reason: 'withdrawn' } }),
        code: 'RECEIPT_INVALID',
        reason: 'event',
      },
      {
        what: 'an entry by another node',
        statement: text,
        proof: proofOf({ event: 'filing.attested', subject }, 'pinghu.330482'),
        code: 'RECEIPT_INVALID',
        reason: 'node',
      },
      { what: 'a member too many', statement: text.replace('{', '{"aa":1,'), proof: good, code: 'LOG_MALFORMED' },
      { what: 'not canonical', statement: ` ${text}`, proof: good, code: 'LOG_MALFORMED' },
      {
        what: 'a signature changed',
        statement: text,
        proof: good.replace(/.=\n$|.\n$/, 'A=\n'),
        code: 'LOG_SIGNATURE_INVALID',
      },
      { what: 'no proof', statement: text, proof: '', code: 'LOG_MALFORMED' },
    ],
  };
}

/** Writes the vectors of version 1; they are deterministic, and a spec compares. */
export async function writeSameActVectors(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (name: string, value: unknown) => writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write('elements.json', elementVectors());
  await write('exchange.json', await exchangeVector());
  await write('filing.json', filingVectors());
}
