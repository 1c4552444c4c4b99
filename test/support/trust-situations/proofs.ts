import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Agreement,
  agreementFileBytes,
  answerTimestampRequest,
  Certificate,
  Crl,
  digestOf,
  encodeVkey,
  logOrigin,
  nextVersion,
  noteKey,
  noteSigner,
  openReceiptProof,
  parseAgreement,
  readTimeAuthorities,
  readTimestampResponse,
  signAgreement,
  signAgreementByLogKey,
  timestampRequest,
  trustedParty,
  verifyTimestamp,
} from '@jieqiao/core';
import { der, oid, sequence, tag } from '../../../libs/core/src/bundle/der';
import { sealedBy } from '../agreement';
import { extension, makeCrl } from '../crl-vectors';
import {
  extensions,
  type Keyed,
  keyedOf,
  nameOf,
  type OddCertificate,
  oddCertificate,
  pairOf,
  rootUsage,
  rsaKey,
  signerOf,
} from '../odd-certificates';
import { OpensslAuthority } from '../openssl-authority';
import { type Party, sealedAt, validity, verifiedAt } from '../sealed-exchange';
import { atDesk } from './desk';
import type { Group, Situation } from './situation';
import { hours, later, type Outcome, pemText, type ReceiptCase, said, saidBy, type World } from './world';

const day = (n: number) => later(sealedAt, hours(24 * n));
const soon = later(sealedAt, 3_250);

/** A node takes lists from Pinghu, one after another; the verifier is given them together, with a bundle of Pinghu's. */
async function askLists(
  world: World,
  lists: readonly Buffer[],
  given: { certificate?: Keyed; at?: Date; openssl?: null; agreement?: Agreement; receipt?: boolean } = {},
): Promise<Outcome> {
  const { certificate, at = verifiedAt, agreement = world.agreement } = given;
  const node = await atDesk(world.jinshan, at, async (desk) => {
    await desk.agreements.import(agreement.bytes);
    return desk.lists(world.pinghu, lists);
  });
  let crls: Crl[];
  try {
    crls = lists.map((list) => Crl.parse(list));
  } catch (error) {
    return { node, verifier: 'refused', checks: [saidBy(error)], openssl: null };
  }
  const signer = certificate ? signerOf(certificate) : world.pinghu.seal;
  const openssl = given.openssl === null ? null : { at };
  const receipt = given.receipt ? { at: soon } : undefined;
  return { ...(await world.askSeal({ signer, crls, agreement, now: at, openssl, receipt })), node };
}

export const lists: Group = {
  letter: 'C',
  zh: '吊销列表（CRL）',
  en: 'Revocation lists',
  situations: [
    {
      zh: '最新的列表，上面没有这张证书',
      en: 'the latest list, and the certificate is not on it',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: async (world) => askLists(world, [(await world.crl(null)).raw]),
    },
    {
      zh: '没有见过任何列表',
      en: 'no list was ever seen',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => askLists(world, []),
    },
    {
      zh: '列表已过期，超出宽限',
      en: 'the list is out of date, beyond the grace',
      node: 'REVOCATION_STALE',
      verifier: 'warning',
      checks: ['seal.crl-current crl-stale'],
      openssl: 'fail',
      ask: async (world) => askLists(world, [(await world.crl(null)).raw], { at: later(verifiedAt, hours(144 + 48)) }),
    },
    {
      zh: '列表已过期，但晚于回执所证明的时间',
      en: 'the list is out of date and newer than the time that a receipt proves: nothing on a later one would matter',
      node: 'REVOCATION_STALE',
      verifier: 'valid',
      ask: async (world) =>
        askLists(world, [(await world.crl(null)).raw], {
          at: later(verifiedAt, hours(144 + 48)),
          receipt: true,
          openssl: null,
        }),
    },
    {
      zh: '回滚：先有载明吊销的第 7 号，又来没有载明的第 6 号',
      en: 'a rollback: list 7 names the certificate, then list 6 comes, which does not',
      node: 'CRL_ROLLED_BACK',
      verifier: 'invalid',
      checks: ['seal.revocation REVOKED'],
      ask: async (world) => {
        const certificate = world.seal();
        const seven = await world.crl({ certificate: certificate.certificate, at: day(-1) });
        const six = await world.crl(null, { number: 6, thisUpdate: later(verifiedAt, -hours(48)) });
        return askLists(world, [seven.raw, six.raw], { certificate, openssl: null });
      },
    },
    {
      zh: '同一编号的两份列表',
      en: 'two lists of one number',
      node: 'CRL_ROLLED_BACK',
      verifier: 'invalid',
      checks: ['seal.revocation REVOKED'],
      ask: async (world) => {
        const certificate = world.seal();
        const one = await world.crl({ certificate: certificate.certificate, at: day(-1) });
        return askLists(world, [one.raw, (await world.crl(null)).raw], { certificate, openssl: null });
      },
    },
    {
      zh: '伪造：改动列表的一位',
      en: 'a forgery: one bit of the list changed',
      node: 'CRL_SIGNATURE_INVALID',
      verifier: 'refused',
      checks: ['CRL_SIGNATURE_INVALID'],
      openssl: 'fail',
      ask: async (world) => {
        const list = Buffer.from((await world.crl(null)).raw);
        list[list.length - 1]! ^= 1;
        return askLists(world, [list]);
      },
    },
    {
      zh: '由对方的根证书签发',
      en: 'by the other party’s root',
      node: 'CRL_SIGNATURE_INVALID',
      verifier: 'valid',
      // Told and not counted; openssl has no such answer.
      checks: ['seal.revocation no-crl-of-issuer'],
      ask: async (world) =>
        askLists(world, [(await world.crl(null, {}, world.root(world.jinshan))).raw], { openssl: null }),
    },
    {
      zh: '由名称相同的冒名根证书签发',
      en: 'by a look-alike of the root',
      node: 'CRL_SIGNATURE_INVALID',
      verifier: 'refused',
      checks: ['CRL_SIGNATURE_INVALID'],
      openssl: 'fail',
      ask: async (world) => askLists(world, [(await world.crl(null, {}, keyedOf(world.namesake.root))).raw]),
    },
    {
      zh: '由印章以根证书的名义签发',
      en: 'signed by a seal in the root’s name',
      node: 'CRL_SIGNATURE_INVALID',
      verifier: 'refused',
      checks: ['CRL_SIGNATURE_INVALID'],
      openssl: 'fail',
      ask: (world) => {
        const { key } = world.seal();
        return askLists(world, [makeCrl(pairOf({ certificate: world.root().certificate, key }))]);
      },
    },
    {
      zh: '根证书不可签发吊销列表（密钥用途）',
      en: 'the root’s key usage does not let it sign lists',
      node: 'CRL_SIGNATURE_INVALID',
      verifier: 'refused',
      checks: ['CRL_SIGNATURE_INVALID'],
      openssl: 'fail',
      ask: (world) => {
        const noLists = [extensions.ca(0), extensions.usage(0x04)];
        const root = oddCertificate({ subject: nameOf(['CN', '不签列表的根']), extensions: noLists });
        const agreement = world.agreementWithAnchors([root.certificate]);
        const certificate = world.seal({ issuer: root });
        return askLists(world, [makeCrl(pairOf(root))], { agreement, certificate });
      },
    },
    {
      zh: '增量列表（delta）',
      en: 'a delta list, which says only what changed',
      node: 'CRL_MALFORMED',
      verifier: 'refused',
      checks: ['CRL_MALFORMED scope'],
      ask: (world) => {
        const delta = extension('2.5.29.27', der(tag.integer, Buffer.of(6)), true);
        const number = extension('2.5.29.20', der(tag.integer, Buffer.of(7)));
        return askLists(world, [makeCrl(world.pinghu.root, { extensions: [number, delta] })]);
      },
    },
    {
      zh: '列表的日期在将来',
      en: 'a list dated in the future',
      node: 'CLOCK_SKEW',
      verifier: 'warning',
      checks: ['seal.crl-current crl-from-the-future'],
      openssl: 'fail',
      ask: async (world) => {
        const list = await world.crl(null, { thisUpdate: later(verifiedAt, hours(24)) });
        return askLists(world, [list.raw]);
      },
    },
  ],
};

/** Jinshan's log key changes in the next version, which both its keys have signed. */
function withNewLogKey(world: World) {
  const { node, logKey } = world.jinshan;
  const newKey = generateKeyPairSync('ed25519').privateKey;
  const vkeys = [logKey, newKey].map((key) => encodeVkey(noteKey(logOrigin(node), key))) as [string, string];
  const { effective } = world.agreement.content;
  const text = nextVersion(world.agreement, { effective: { ...effective, from: day(3).toISOString() } });
  const content = world.textWith(text, node, { logVkey: vkeys[1] });
  const seals = [world.pinghu, world.jinshan].map((one) => ({ node: one.node, jws: signAgreement(content, one.seal) }));
  const logs = [logKey, newKey].map((key, i) => ({ node, jws: signAgreementByLogKey(content, key, vkeys[i]!) }));
  const next = parseAgreement(agreementFileBytes({ agreement: content, signatures: [...seals, ...logs] }));
  return { next, oldSigner: noteSigner(logOrigin(node), logKey), newSigner: noteSigner(logOrigin(node), newKey) };
}

interface ReceiptAsked {
  change?: (receipt: Buffer) => Buffer;
  /** With which keys the log signs; its own if left out. */
  signers?: Parameters<World['proof']>[3];
  by?: Party;
  event?: ReceiptCase['event'];
  at?: Date;
  issuedAt?: Date;
  also?: readonly Agreement[];
  vkey?: string;
}

/** A receipt for an envelope of Pinghu's: what Pinghu's node says to it, which knows the log key by the agreement. */
async function askReceipt(world: World, given: ReceiptAsked = {}): Promise<Outcome> {
  const { by = world.jinshan, at = soon, issuedAt = sealedAt, also = [] } = given;
  const envelope = world.envelope(world.pinghu.nodeSigner, issuedAt, world.agreement, null);
  const plain = world.receipt({ at, by, event: given.event }, world.agreement, envelope, null, given.signers);
  const receipt = given.change?.(plain) ?? plain;
  const { logVkey } = trustedParty(world.agreement.trust, world.jinshan.node)!;
  const node = said(() => openReceiptProof(receipt, given.vkey ?? logVkey));
  const { verifier, checks } = await world.verify({ receipt, envelope }, { alsoGiven: also }, world.agreement);
  return { node, verifier, checks, openssl: null };
}

export const logs: Group = {
  letter: 'L',
  zh: '回执与日志密钥',
  en: 'Receipts and log keys',
  situations: [
    {
      zh: '收件方日志出具的回执',
      en: 'a receipt by the recipient’s log',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askReceipt(world),
    },
    {
      zh: '名称相同、密钥不同的日志',
      en: 'a log of the same name with another key',
      node: 'LOG_SIGNATURE_INVALID no-known-signer',
      verifier: 'unknown-signer',
      checks: ['receipt.signer no-signature-by-the-log'],
      ask: (world) => {
        const signers = [noteSigner(logOrigin(world.jinshan.node), generateKeyPairSync('ed25519').privateKey)];
        return askReceipt(world, { signers });
      },
    },
    {
      zh: '日志密钥更换期间，检查点由新旧两把密钥签署，两版协议都已给出',
      en: 'while the log key changes, the checkpoint carries both; both versions are given',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => {
        const { next, oldSigner, newSigner } = withNewLogKey(world);
        return askReceipt(world, { signers: [newSigner, oldSigner], also: [next] });
      },
    },
    {
      zh: '同上，只给出旧版协议：新密钥的一行无从核验',
      en: 'the same with the old version only: nothing says whose the new key’s line is',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['receipt.cosignatures unknown-log-key'],
      ask: (world) => {
        const { oldSigner, newSigner } = withNewLogKey(world);
        return askReceipt(world, { signers: [newSigner, oldSigner] });
      },
    },
    {
      zh: '同上，新密钥的一行是伪造的',
      en: 'the same, and the line by the new key is false',
      node: 'accepted',
      verifier: 'invalid',
      checks: ['receipt.checkpoint false-signature'],
      ask: (world) => {
        const { next, oldSigner, newSigner } = withNewLogKey(world);
        const forged = { key: newSigner.key, privateKey: generateKeyPairSync('ed25519').privateKey };
        return askReceipt(world, { signers: [oldSigner, forged], also: [next] });
      },
    },
    {
      zh: '更换之后，信封所依据的旧版只认旧密钥：只有新密钥签署的检查点不算',
      en: 'the version that the envelope names knows the old key only: a checkpoint by the new one alone does not count',
      node: 'LOG_SIGNATURE_INVALID no-known-signer',
      verifier: 'unknown-signer',
      checks: ['receipt.signer no-signature-by-the-log'],
      ask: (world) => {
        const { next, newSigner } = withNewLogKey(world);
        return askReceipt(world, { signers: [newSigner], also: [next] });
      },
    },
    {
      zh: '回执出自签发方自己的日志',
      en: 'a receipt by the sender’s own log',
      node: 'LOG_SIGNATURE_INVALID no-known-signer',
      verifier: 'invalid',
      checks: ['receipt.matches-envelope not-by-the-recipient'],
      ask: (world) => askReceipt(world, { by: world.pinghu }),
    },
    {
      zh: '以试验信封的回执充作移送的回执',
      en: 'the receipt of a test passed off as that of a transfer',
      node: 'accepted',
      verifier: 'invalid',
      checks: ['receipt.matches-envelope contradicts'],
      ask: (world) => askReceipt(world, { event: 'envelope.tested' }),
    },
    {
      zh: '改动回执所载的时间',
      en: 'the time in the receipt changed',
      node: 'LOG_PROOF_INVALID',
      verifier: 'invalid',
      checks: ['receipt.inclusion not-included'],
      ask: (world) =>
        askReceipt(world, {
          change: (receipt) => {
            const [head, extra, ...rest] = receipt.toString().split('\n') as [string, string, ...string[]];
            const entry = Buffer.from(extra.slice(6), 'base64').toString().replace('2022-08-20T09', '2022-08-20T10');
            return Buffer.from([head, `extra ${Buffer.from(entry).toString('base64')}`, ...rest].join('\n'));
          },
        }),
    },
    {
      zh: '回执的时间早于信封自称的签发时间（信封倒签）',
      en: 'a receipt older than the envelope says it is itself',
      node: 'accepted',
      verifier: 'invalid',
      checks: ['receipt.matches-envelope received-before-issued'],
      ask: (world) => askReceipt(world, { issuedAt: day(1) }),
    },
  ],
};

interface StampAsked {
  /** Who answers; an authority made for the occasion if left out. */
  answer?: (query: Buffer) => Buffer;
  /** Of the authority's certificate. */
  odd?: OddCertificate;
  /** What the agreement names; the authority's root if left out. */
  named?: Certificate;
  at?: Date;
  /** Changes the token. */
  change?: (token: Buffer) => Buffer;
  /** Over something else than the signature. */
  over?: Buffer;
}

const timeUsage = [extensions.usage(0x80), extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.8')), true)];
const timeRootName = nameOf(['CN', '某时间戳机构根']);

/** Pinghu's signature under an agreement, stamped by an authority: what the client of a node says, and the verifier. */
async function askStamp(world: World, given: StampAsked = {}): Promise<Outcome> {
  const root = oddCertificate({ subject: timeRootName, extensions: rootUsage });
  const parts = { issuer: root, subject: nameOf(['CN', '某时间戳机构']), extensions: timeUsage };
  const authority = oddCertificate({ ...parts, ...given.odd });
  const { at = sealedAt, named = root.certificate } = given;
  const timeAuthorities = [{ name: '某时间戳机构', certificate: named.raw.toString('base64'), demonstration: false }];
  const content = { ...world.text(), timeAuthorities };
  const jws = signAgreement(content, world.pinghu.seal);
  const query = timestampRequest(digestOf(given.over ?? Buffer.from(jws)), Buffer.alloc(8, 1));
  const stamp = () => answerTimestampRequest(query, { signer: signerOf(authority), now: at, serial: Buffer.of(1) });
  const answer = given.answer?.(query) ?? stamp();
  const token = given.change?.(readTimestampResponse(answer)) ?? readTimestampResponse(answer);
  const node = said(() => verifyTimestamp(token, digestOf(Buffer.from(jws)), readTimeAuthorities(timeAuthorities)));
  const [mine, other] = [
    { node: world.pinghu.node, jws, timestamp: token.toString('base64') },
    { node: world.jinshan.node, jws: signAgreement(content, world.jinshan.seal) },
  ];
  const file = agreementFileBytes({ agreement: content, signatures: [mine, other] });
  const trusted = parseAgreement(sealedBy(content, [world.pinghu, world.jinshan]));
  const { verifier, checks } = await world.verify({ file }, {}, trusted);
  return { node, verifier, checks, openssl: stampBefore(world, token, jws, named, at) };
}

/** `openssl ts -verify` of a token over a signature. */
function stampBefore(world: World, token: Buffer, jws: string, root: Certificate, at: Date): Outcome['openssl'] {
  return world.opensslSays(
    ...['ts', '-verify', '-token_in', '-in', world.write('token.der', token), '-data', world.write('jws', jws)],
    ...['-CAfile', world.write('tsa.pem', pemText(root.raw)), '-attime', String(Math.floor(at.getTime() / 1000))],
    ...['-auth_level', '2'],
  );
}

const failing = (
  zh: string,
  en: string,
  reason: string,
  given: (world: World) => StampAsked | Promise<StampAsked>,
): Situation => ({
  zh,
  en,
  node: `TIMESTAMP_INVALID ${reason}`,
  // Anybody may add a token to a file: a bad one says nothing against the signature beside it.
  verifier: 'warning',
  checks: [`agreement.timestamps ${reason}`],
  openssl: 'fail',
  ask: async (world) => askStamp(world, await given(world)),
});

const demonstration = { verifier: 'warning' as const, checks: ['agreement.time-authorities demonstration'] };

export const stamps: Group = {
  letter: 'T',
  zh: '时间戳机构',
  en: 'Time-stamp authorities',
  situations: [
    {
      zh: '协议所列的时间戳机构（OpenSSL 签发的时间戳）',
      en: 'an authority that the agreement names (a token made by OpenSSL)',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const authority = new OpensslAuthority(world.dir, '某时间戳机构');
        const named = Certificate.parse(readFileSync(authority.root, 'utf8'));
        // OpenSSL writes today's time, whatever the test's clock says.
        return askStamp(world, { named, answer: (query) => authority.reply(query), at: new Date() });
      },
    },
    {
      zh: '界桥自带的演示用时间戳机构',
      en: 'the embedded authority for demonstration',
      node: 'accepted',
      ...demonstration,
      openssl: 'ok',
      ask: (world) => askStamp(world),
    },
    {
      zh: '机构的证书在时间戳之后才到期',
      en: 'the authority’s certificate ran out after the time-stamp',
      node: 'accepted',
      ...demonstration,
      openssl: 'ok',
      ask: (world) => askStamp(world, { odd: { validity: { notBefore: validity.notBefore, notAfter: day(2) } } }),
    },
    failing('协议没有列出的机构', 'an authority that the agreement does not name', 'UNKNOWN_ISSUER', (world) => ({
      named: world.root(world.stranger).certificate,
    })),
    failing('名称相同的冒名机构', 'a look-alike of the authority', 'UNKNOWN_ISSUER', () => ({
      named: oddCertificate({ subject: timeRootName, extensions: rootUsage }).certificate,
    })),
    failing('机构的证书当时尚未生效', 'the authority’s certificate had not begun', 'NOT_YET_VALID', () => ({
      odd: { validity: { notBefore: day(1), notAfter: validity.notAfter } },
    })),
    failing('机构的证书当时已到期', 'the authority’s certificate had run out', 'EXPIRED', () => ({
      odd: { validity: { notBefore: validity.notBefore, notAfter: day(-1) } },
    })),
    failing('用印章证书签发时间戳', 'stamped with a seal’s certificate', 'WRONG_USE', () => ({
      odd: { extensions: [extensions.usage(0xc0)] },
    })),
    failing('时间戳用途没有标为关键', 'the purpose of time-stamping is not critical', 'WRONG_USE', () => ({
      odd: { extensions: [extensions.usage(0x80), extensions.purposes('1.3.6.1.5.5.7.3.8')] },
    })),
    failing('密钥过弱：RSA 1024 位', 'a weak key: RSA of 1,024 bits', 'WEAK_KEY', () => ({
      odd: { key: rsaKey(1024) },
    })),
    failing('证书由 SHA-1 签发', 'the certificate is signed with SHA-1', 'WEAK_SIGNATURE', () => ({
      odd: { hash: 'sha1' },
    })),
    failing('证书含不认识的关键扩展', 'an unknown critical extension', 'UNKNOWN_CRITICAL_EXTENSION', () => ({
      odd: { extensions: [...timeUsage, extensions.critical()] },
    })),
    failing('时间戳是对另一份签署的', 'a token over another signature', 'imprint', () => ({
      over: Buffer.from('another signature'),
    })),
    failing('改动时间戳里的时间', 'the time in the token changed', 'message-digest', () => ({
      change: (token) => {
        const changed = Buffer.from(token);
        changed.write('20220820083000Z', changed.indexOf('20220820093000Z'));
        return changed;
      },
    })),
  ],
};
