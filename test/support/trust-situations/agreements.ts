import { generateKeyPairSync } from 'node:crypto';
import {
  type Agreement,
  type AgreementContent,
  agreementFileBytes,
  digestOf,
  type EnvelopeClaims,
  encodeVkey,
  logOrigin,
  nextVersion,
  noteKey,
  parseAgreement,
  type Signer,
  signAgreement,
  signAgreementByLogKey,
} from '@jieqiao/core';
import {
  type AgreementTerms,
  evaluateRecognition,
  readRecognitionAgreement,
  type TransferData,
} from '@jieqiao/recognition';
import { sealedBy } from '../agreement';
import { quietRegisters, shippedSet } from '../catalogues';
import { readSample, sampleTerms } from '../exchange-fixture';
import { extensions, nodeUsage, signerOf } from '../odd-certificates';
import { makeAgreement, makeParty, type Party, sealedAt, validity, verifiedAt } from '../sealed-exchange';
import { accepted, atDesk } from './desk';
import type { Group, Situation } from './situation';
import { hours, later, type Outcome, pemText, type World } from './world';

const day = (n: number) => later(sealedAt, hours(24 * n));
const instant = (at: Date) => at.toISOString();

interface Import {
  bytes: Buffer;
  /** What the node holds, and the verifier trusts, before. */
  held?: readonly Agreement[];
  /** Whose node. */
  by?: Party;
  /** What to ask openssl of a seal that signed. */
  openssl?: Outcome['openssl'];
}

/** A node takes it in, or not; the verifier gets it as a file. */
async function askImport(
  world: World,
  { bytes, held = [], by = world.jinshan, openssl = null }: Import,
): Promise<Outcome> {
  const node = await atDesk(by, verifiedAt, async ({ agreements }) => {
    for (const agreement of held) await agreements.import(agreement.bytes);
    await agreements.import(bytes);
    return accepted;
  });
  const { verifier, checks } = await world.verify({ agreement: bytes }, {}, ...held);
  return { node, verifier, checks, openssl };
}

/** Both sign: Pinghu by its seal and whatever more is given, Jinshan by its seal. */
function signed(world: World, content: AgreementContent, ...more: { node: string; seal: Signer }[]): Buffer {
  return sealedBy(content, [world.pinghu, world.jinshan, ...more]);
}

/** The version after ours, with something changed. */
const next = (world: World, changes: Partial<AgreementContent> = {}, agreement = world.agreement) =>
  nextVersion(agreement, { effective: { from: instant(day(3)), to: agreement.content.effective.to }, ...changes });

/** Pinghu's log key changes; the signatures that are given prove it, or don't. */
function withNewLogKey(world: World, by: readonly ('old' | 'new')[]): Buffer {
  const { node, logKey } = world.pinghu;
  const keys = { old: logKey, new: generateKeyPairSync('ed25519').privateKey };
  const vkey = (which: 'old' | 'new') => encodeVkey(noteKey(logOrigin(node), keys[which]));
  const content = world.textWith(next(world), node, { logVkey: vkey('new') });
  const seals = [world.pinghu, world.jinshan].map((party) => ({
    node: party.node,
    jws: signAgreement(content, party.seal),
  }));
  const logs = by.map((which) => ({ node, jws: signAgreementByLogKey(content, keys[which], vkey(which)) }));
  return agreementFileBytes({ agreement: content, signatures: [...seals, ...logs] });
}

/** The seal that signs, before openssl, at the moment for which it must be good. */
const ofSeal = (world: World, seal: Signer, at: Date): Outcome['openssl'] =>
  world.openssl(
    {},
    { leaf: pemText(seal.certificate.raw), roots: [world.root().certificate], at, purpose: 'smimesign' },
  );

export const agreementTexts: Group = {
  letter: 'A',
  zh: '互认协议：文本与签署',
  en: 'Agreements: text and signatures',
  situations: [
    {
      zh: '各方都已签署的第 1 版；核验工具没有得到可信文本',
      en: 'version 1 signed by all; the verifier was given no text to trust',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['agreement.trusted no-trust'],
      openssl: 'ok',
      ask: (world) =>
        askImport(world, {
          bytes: world.agreement.bytes,
          openssl: ofSeal(world, world.pinghu.seal, new Date(world.agreement.content.effective.from)),
        }),
    },
    {
      zh: '同一份协议再次导入',
      en: 'the same file again',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askImport(world, { bytes: world.agreement.bytes, held: [world.agreement] }),
    },
    {
      zh: '缺一方的签署',
      en: 'one party’s signature is missing',
      node: 'AGREEMENT_SIGNATURE_INVALID missing',
      verifier: 'invalid',
      checks: ['agreement.signatures missing'],
      ask: (world) => askImport(world, { bytes: sealedBy(world.text(), [world.jinshan]) }),
    },
    {
      zh: '有人以名称相同的冒名印章代签',
      en: 'a look-alike has signed for a party',
      node: 'AGREEMENT_SIGNATURE_INVALID UNKNOWN_ISSUER',
      verifier: 'invalid',
      checks: ['agreement.signatures UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) =>
        askImport(world, {
          bytes: sealedBy(world.text(), [world.namesake, world.jinshan]),
          openssl: ofSeal(world, world.namesake.seal, sealedAt),
        }),
    },
    {
      zh: '整份协议都由冒名者以自己的根证书写成并签署',
      en: 'the whole agreement made and signed by look-alikes with roots of their own',
      node: 'AGREEMENT_SIGNATURE_INVALID not-our-seal',
      verifier: 'indeterminate',
      checks: ['agreement.trusted no-trust'],
      ask: async (world) => {
        const other = await makeParty(world.jinshan.node, world.jinshan.authority);
        return askImport(world, { bytes: makeAgreement([world.namesake, other]).bytes });
      },
    },
    {
      zh: '协议之外的机关添上了自己的签署',
      en: 'an authority that is no party has added its signature',
      node: 'AGREEMENT_SIGNATURE_INVALID not-a-party',
      verifier: 'invalid',
      checks: ['agreement.signatures not-a-party'],
      ask: (world) => askImport(world, { bytes: signed(world, world.text(), world.stranger) }),
    },
    {
      zh: '用于签署的印章在协议生效前已到期',
      en: 'signed by a seal that had run out when the agreement began',
      node: 'AGREEMENT_SIGNATURE_INVALID EXPIRED',
      verifier: 'invalid',
      checks: ['agreement.signatures EXPIRED'],
      openssl: 'fail',
      ask: (world) => {
        const content = world.text({ effective: { from: instant(day(0)), to: instant(day(300)) } });
        const seal = signerOf(world.seal({ validity: { notBefore: validity.notBefore, notAfter: day(-1) } }));
        const bytes = sealedBy(content, [{ node: world.pinghu.node, seal }, world.jinshan]);
        return askImport(world, { bytes, openssl: ofSeal(world, seal, day(0)) });
      },
    },
    {
      zh: '用于签署的印章后来到期：已签的仍然有效',
      en: 'signed by a seal that has run out since: what was agreed stands',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['agreement.trusted no-trust'],
      openssl: 'ok',
      ask: (world) => {
        const seal = signerOf(world.seal({ validity: { notBefore: validity.notBefore, notAfter: day(-1) } }));
        const content = world.text();
        const bytes = sealedBy(content, [{ node: world.pinghu.node, seal }, world.jinshan]);
        return askImport(world, { bytes, openssl: ofSeal(world, seal, new Date(content.effective.from)) });
      },
    },
    {
      zh: '用节点证书签署',
      en: 'signed with a node certificate',
      node: 'AGREEMENT_SIGNATURE_INVALID WRONG_USE',
      verifier: 'invalid',
      checks: ['agreement.signatures WRONG_USE'],
      openssl: 'fail',
      ask: (world) => {
        const [usage, tls] = nodeUsage;
        const seal = signerOf(
          world.seal({ extensions: [usage, tls, extensions.uris('urn:jieqiao:seal:pinghu.330482')] }),
        );
        const bytes = sealedBy(world.text(), [{ node: world.pinghu.node, seal }, world.jinshan]);
        return askImport(world, { bytes, openssl: ofSeal(world, seal, sealedAt) });
      },
    },
    {
      zh: '一方的根证书冒用另一方的名义签署',
      en: 'signed for a party by a seal that its own root made out to another',
      node: 'AGREEMENT_SIGNATURE_INVALID WRONG_NAME',
      verifier: 'invalid',
      checks: ['agreement.signatures WRONG_NAME'],
      ask: (world) => {
        const other = extensions.uris('urn:jieqiao:seal:haiyan.330424');
        const seal = signerOf(world.seal({ extensions: [extensions.usage(0xc0), other] }));
        return askImport(world, { bytes: sealedBy(world.text(), [{ node: world.pinghu.node, seal }, world.jinshan]) });
      },
    },
    {
      zh: '签署之后改动条款',
      en: 'the text changed after signing',
      node: 'AGREEMENT_SIGNATURE_INVALID signature',
      verifier: 'invalid',
      checks: ['agreement.signatures signature'],
      ask: (world) => {
        const bytes = Buffer.from(world.agreement.bytes.toString().replace('平湖金山', '平湖青浦'));
        return askImport(world, { bytes });
      },
    },
    {
      zh: '重复的键，或被编辑器重新排版',
      en: 'a key twice, or set anew by an editor',
      node: 'AGREEMENT_MALFORMED not-canonical',
      verifier: 'invalid',
      checks: ['agreement.form not-canonical'],
      ask: (world) => {
        const bytes = Buffer.from(world.agreement.bytes.toString().replace('"version":1', '"version":1,"version":1'));
        return askImport(world, { bytes });
      },
    },
    {
      zh: '文件超过 4 MiB',
      en: 'more than 4 MiB',
      node: 'AGREEMENT_MALFORMED too-large',
      verifier: 'indeterminate',
      checks: ['file.kind unknown-format'],
      ask: (world) => askImport(world, { bytes: Buffer.concat([world.agreement.bytes, Buffer.alloc(4 << 20, ' ')]) }),
    },
    {
      zh: '把公共认证机构的证书当作一方自己的根证书',
      en: 'an authority that serves many is listed as a party’s own root',
      node: 'AGREEMENT_MALFORMED anchor-shared',
      verifier: 'invalid',
      checks: ['agreement.form anchor-shared'],
      ask: (world) => {
        const certificate = world.root(world.stranger).certificate.raw.toString('base64');
        const root = (party: Party) => world.root(party).certificate.raw.toString('base64');
        const speaker = { use: 'seal', subject: 'CN=印章' } as const;
        const one = world.textWith(world.text(), world.pinghu.node, { anchors: [root(world.pinghu), certificate] });
        const both = world.textWith(one, world.jinshan.node, {
          anchors: [root(world.jinshan), { certificate, speakers: [speaker] }],
        });
        return askImport(world, { bytes: signed(world, both) });
      },
    },
    {
      zh: '同一张证书被列为两方所有',
      en: 'one certificate is listed for two parties',
      node: 'AGREEMENT_MALFORMED speaker-twice',
      verifier: 'invalid',
      checks: ['agreement.form speaker-twice'],
      ask: (world) => {
        const certificate = world.root(world.stranger).certificate.raw.toString('base64');
        const anchor = { certificate, speakers: [{ use: 'seal', subject: 'CN=印章' }] } as const;
        const anchors = (party: Party) => [world.root(party).certificate.raw.toString('base64'), anchor];
        const one = world.textWith(world.text(), world.pinghu.node, { anchors: anchors(world.pinghu) });
        const both = world.textWith(one, world.jinshan.node, { anchors: anchors(world.jinshan) });
        return askImport(world, { bytes: signed(world, both) });
      },
    },
    {
      zh: '所列根证书其实不是认证机构证书',
      en: 'a root that is listed is no certification authority',
      node: 'AGREEMENT_MALFORMED anchor-not-a-ca',
      verifier: 'invalid',
      checks: ['agreement.form anchor-not-a-ca'],
      ask: (world) => {
        const anchors = [world.pinghu.seal.certificate.raw.toString('base64')];
        return askImport(world, { bytes: signed(world, world.textWith(world.text(), world.pinghu.node, { anchors })) });
      },
    },
    {
      zh: '职权承继关系成环',
      en: 'two authorities that succeed each other',
      node: 'AGREEMENT_MALFORMED successor-ring',
      verifier: 'invalid',
      checks: ['agreement.form successor-ring'],
      ask: (world) => {
        const from = instant(day(3));
        const to = (node: string) => ({ successor: { node, from } });
        const one = world.textWith(world.text(), world.pinghu.node, to(world.jinshan.node));
        return askImport(world, {
          bytes: signed(world, world.textWith(one, world.jinshan.node, to(world.pinghu.node))),
        });
      },
    },
  ],
};

export const succession: Group = {
  letter: 'V',
  zh: '互认协议：版本承接',
  en: 'Agreements: one version after another',
  situations: [
    {
      zh: '第 2 版承接第 1 版，各方都已签署',
      en: 'version 2 follows version 1, signed by all',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askImport(world, { bytes: signed(world, next(world)), held: [world.agreement] }),
    },
    {
      zh: '分叉：两份内容不同的第 2 版',
      en: 'a fork: two different versions 2',
      node: 'AGREEMENT_FORKED',
      verifier: 'invalid',
      checks: ['agreement.succession AGREEMENT_FORKED'],
      ask: (world) => {
        const one = parseAgreement(signed(world, next(world)));
        const bytes = signed(world, next(world, { title: '另一份第二版' }));
        return askImport(world, { bytes, held: [world.agreement, one] });
      },
    },
    {
      zh: '回滚：已有第 2 版，又来一份没有见过的第 1 版',
      en: 'a rollback: version 2 is held, and a version 1 comes that was never seen',
      node: 'AGREEMENT_ROLLED_BACK',
      verifier: 'invalid',
      checks: ['agreement.succession AGREEMENT_FORKED', 'agreement.trusted other-agreement'],
      ask: (world) => {
        const held = [parseAgreement(signed(world, next(world)))];
        return askImport(world, { bytes: signed(world, world.text({ title: '旧文本' })), held });
      },
    },
    {
      zh: '重放：已有第 2 版，再次收到当年的第 1 版',
      en: 'a replay: version 2 is held, and the old version 1 comes again',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => {
        const held = [world.agreement, parseAgreement(signed(world, next(world)))];
        return askImport(world, { bytes: world.agreement.bytes, held });
      },
    },
    {
      zh: '缺版：第 1 版之后来了第 3 版',
      en: 'a gap: version 3 comes after version 1',
      node: 'AGREEMENT_VERSION_GAP',
      verifier: 'indeterminate',
      checks: ['agreement.trusted other-agreement'],
      ask: (world) => {
        const two = parseAgreement(signed(world, next(world)));
        return askImport(world, { bytes: signed(world, next(world, {}, two)), held: [world.agreement] });
      },
    },
    {
      zh: '第 2 版写明的前一版不是已有的第 1 版',
      en: 'version 2 names another text as the version before it',
      node: 'AGREEMENT_MALFORMED previous',
      verifier: 'invalid',
      checks: ['agreement.succession previous', 'agreement.trusted other-agreement'],
      ask: (world) => {
        const content = { ...next(world), previous: digestOf(Buffer.from('another')) };
        return askImport(world, { bytes: signed(world, content), held: [world.agreement] });
      },
    },
    {
      zh: '第 2 版的生效时间早于第 1 版',
      en: 'version 2 begins before version 1',
      node: 'AGREEMENT_MALFORMED effective-before-previous',
      verifier: 'invalid',
      checks: ['agreement.succession effective-before-previous', 'agreement.trusted other-agreement'],
      ask: (world) => {
        const effective = { from: '2021-12-31T00:00:00.000Z', to: world.agreement.content.effective.to };
        const bytes = signed(world, next(world, { effective }));
        return askImport(world, { bytes, held: [world.agreement] });
      },
    },
    {
      zh: '更换根证书，新旧印章都已签署',
      en: 'a root replaced, signed by the old seal and the new one',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askImport(world, { bytes: world.rotatedRoot(day(3)).next.bytes, held: [world.agreement] }),
    },
    {
      zh: '更换根证书，只有新印章签署（冒名者换上自己的根证书）',
      en: 'a root replaced, signed by the new seal only: anybody could have slipped it in',
      node: 'AGREEMENT_SIGNATURE_INVALID not-by-the-key-before',
      verifier: 'invalid',
      checks: ['agreement.succession not-by-the-key-before', 'agreement.trusted other-agreement'],
      ask: (world) => {
        const { next: both, newSeal } = world.rotatedRoot(day(3));
        const bytes = sealedBy(both.content, [{ node: world.pinghu.node, seal: signerOf(newSeal) }, world.jinshan]);
        return askImport(world, { bytes, held: [world.agreement] });
      },
    },
    {
      zh: '更换根证书，只有旧印章签署（没有证明持有新密钥）',
      en: 'a root replaced, signed by the old seal only: nobody has shown the new key',
      node: 'AGREEMENT_SIGNATURE_INVALID missing',
      verifier: 'invalid',
      checks: ['agreement.signatures missing'],
      ask: (world) => {
        const { next: both } = world.rotatedRoot(day(3));
        return askImport(world, { bytes: signed(world, both.content), held: [world.agreement] });
      },
    },
    {
      zh: '更换日志密钥，新旧两把密钥都已签署',
      en: 'a log key replaced, signed by the old one and the new one',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askImport(world, { bytes: withNewLogKey(world, ['old', 'new']), held: [world.agreement] }),
    },
    {
      zh: '更换日志密钥，没有用日志密钥签署',
      en: 'a log key replaced without its own signatures',
      node: 'AGREEMENT_SIGNATURE_INVALID log-key-not-shown',
      verifier: 'invalid',
      checks: ['agreement.succession log-key-not-shown', 'agreement.trusted other-agreement'],
      ask: (world) => askImport(world, { bytes: withNewLogKey(world, []), held: [world.agreement] }),
    },
    {
      zh: '更换日志密钥，只有新密钥签署',
      en: 'a log key replaced, signed by the new one only',
      node: 'AGREEMENT_SIGNATURE_INVALID log-key-not-shown',
      verifier: 'invalid',
      checks: ['agreement.succession log-key-not-shown', 'agreement.trusted other-agreement'],
      ask: (world) => askImport(world, { bytes: withNewLogKey(world, ['new']), held: [world.agreement] }),
    },
    {
      zh: '有人添上前后两版都没有的密钥的签署',
      en: 'somebody has added a signature by a key that neither version names',
      node: 'AGREEMENT_SIGNATURE_INVALID key-unknown',
      verifier: 'invalid',
      checks: ['agreement.succession key-unknown', 'agreement.trusted other-agreement'],
      ask: (world) => {
        const added = { node: world.pinghu.node, seal: world.namesake.seal };
        return askImport(world, { bytes: signed(world, next(world), added), held: [world.agreement] });
      },
    },
    {
      zh: '第三方（嘉善）加入，三方都已签署',
      en: 'a third party joins, signed by all three',
      node: 'accepted',
      verifier: 'valid',
      ask: async (world) => {
        const { bytes } = await joined(world);
        return askImport(world, { bytes, held: [world.agreement] });
      },
    },
    {
      zh: '后加入的一方第一次见到的就是第 2 版',
      en: 'the party that joined sees version 2 first',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['agreement.trusted no-trust'],
      ask: async (world) => {
        const { bytes, jiashan } = await joined(world);
        return askImport(world, { bytes, by: jiashan });
      },
    },
    {
      zh: '一方退出，其余各方签署',
      en: 'a party leaves, the others have signed',
      node: 'accepted',
      verifier: 'valid',
      ask: async (world) => {
        const { bytes } = await joined(world);
        const three = parseAgreement(bytes);
        const parties = three.content.parties.slice(0, 2);
        const content = nextVersion(three, {
          parties,
          effective: { ...three.content.effective, from: instant(day(5)) },
        });
        return askImport(world, { bytes: signed(world, content), held: [world.agreement, three] });
      },
    },
    {
      zh: '给核验工具的两个版本互相矛盾（两份第 1 版）',
      en: 'the verifier is given two versions to trust that contradict each other',
      node: null,
      verifier: 'refused',
      checks: ['AGREEMENT_FORKED'],
      ask: async (world) => {
        const other = parseAgreement(signed(world, world.text({ title: '另一份第一版' })));
        const { verifier, checks } = await world.verify({ file: world.agreement.bytes }, {}, world.agreement, other);
        return { node: null, verifier, checks, openssl: null };
      },
    },
  ],
};

/** Jiashan joins the two in version 2. */
async function joined(world: World): Promise<{ bytes: Buffer; jiashan: Party }> {
  const jiashan = await makeParty('jiashan.330421', '嘉善县综合行政执法局');
  const { parties } = world.text({}, [world.pinghu, world.jinshan, jiashan]);
  return { bytes: sealedBy(next(world, { parties }), [world.pinghu, world.jinshan, jiashan]), jiashan };
}

interface Under {
  /** The version that the envelope names. */
  agreement: Agreement;
  /** Others that node and verifier have. */
  also?: readonly Agreement[];
  issuedAt: Date;
  claims?: Partial<EnvelopeClaims>;
  signer?: Signer;
  issuer?: string;
}

/** An envelope under a version: what Jinshan's node and the verifier say to the version and to the authority. */
async function askUnder(world: World, given: Under): Promise<Outcome> {
  const { agreement, also = [], issuedAt, claims = {}, signer = world.pinghu.nodeSigner } = given;
  const ref = claims.agreement ?? agreement.ref;
  const known = claims.agreement ? also : [...also, agreement];
  const node = await atDesk(world.jinshan, issuedAt, async ({ agreements }) => {
    for (const version of [...known].sort((a, b) => a.ref.version - b.ref.version))
      await agreements.import(version.bytes);
    agreements.mustHavePowers(agreements.judge(ref, issuedAt), claims.iss ?? world.pinghu.node, issuedAt);
    return accepted;
  });
  const judged = await world.askEnvelope({ signer, agreement, claims, issuedAt, openssl: null });
  const { verifier, checks } = await world.verify(
    { envelope: world.envelope(signer, issuedAt, agreement, null, claims) },
    { now: later(issuedAt, hours(24)) },
    ...known,
  );
  return { node: node.word === 'accepted' ? judged.node : node, verifier, checks, openssl: null };
}

export const underAgreements: Group = {
  letter: 'E',
  zh: '信封所依据的协议版本',
  en: 'The version that an envelope names',
  situations: [
    {
      zh: '签发时协议有效',
      en: 'in force when it was issued',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askUnder(world, { agreement: world.agreement, issuedAt: sealedAt }),
    },
    {
      zh: '签发时协议尚未生效',
      en: 'issued before the agreement began',
      node: 'AGREEMENT_NOT_IN_FORCE',
      verifier: 'invalid',
      checks: ['envelope.agreement not-in-force'],
      ask: (world) => {
        const content = world.text({ effective: { from: instant(day(1)), to: instant(day(300)) } });
        return askUnder(world, { agreement: parseAgreement(signed(world, content)), issuedAt: sealedAt });
      },
    },
    {
      zh: '签发时协议已经期满',
      en: 'issued after the agreement had ended',
      node: 'AGREEMENT_NOT_IN_FORCE',
      verifier: 'invalid',
      checks: ['envelope.agreement not-in-force'],
      ask: (world) => {
        const content = world.text({ effective: { from: instant(day(-30)), to: instant(day(-1)) } });
        return askUnder(world, { agreement: parseAgreement(signed(world, content)), issuedAt: sealedAt });
      },
    },
    {
      zh: '签发时新版已经生效',
      en: 'issued under a version that another one had already followed',
      node: 'AGREEMENT_SUPERSEDED',
      verifier: 'invalid',
      checks: ['envelope.agreement superseded'],
      ask: (world) => {
        const also = [parseAgreement(signed(world, next(world)))];
        return askUnder(world, { agreement: world.agreement, also, issuedAt: day(4) });
      },
    },
    {
      zh: '新版生效后两分钟内仍按旧版签发（双方时钟有差）',
      en: 'issued under the version before, two minutes after the new one began: clocks differ',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => {
        const also = [parseAgreement(signed(world, next(world)))];
        return askUnder(world, { agreement: world.agreement, also, issuedAt: later(day(3), 120_000) });
      },
    },
    {
      zh: '新版生效之前签发，新版也已给出：旧移送永远可核验',
      en: 'issued before the new version began, which is given as well: old transfers verify for ever',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => {
        const also = [parseAgreement(signed(world, next(world)))];
        return askUnder(world, { agreement: world.agreement, also, issuedAt: sealedAt });
      },
    },
    {
      zh: '所依据的版本不在手头',
      en: 'the version that it names is not at hand',
      node: 'AGREEMENT_UNKNOWN_VERSION',
      verifier: 'indeterminate',
      checks: ['envelope.agreement other-agreement'],
      ask: (world) => {
        const { ref } = parseAgreement(signed(world, next(world)));
        const also = [world.agreement];
        return askUnder(world, { agreement: world.agreement, also, claims: { agreement: ref }, issuedAt: sealedAt });
      },
    },
    {
      zh: '版本号与摘要指向不同的文本',
      en: 'number and digest point to different texts',
      node: 'AGREEMENT_UNKNOWN_VERSION',
      verifier: 'invalid',
      checks: ['envelope.agreement name-and-digest-differ'],
      ask: (world) => {
        const ref = { ...world.agreement.ref, version: 2 };
        const also = [world.agreement];
        return askUnder(world, { agreement: world.agreement, also, claims: { agreement: ref }, issuedAt: sealedAt });
      },
    },
    {
      zh: '已退出的一方仍在签发',
      en: 'a party that has left goes on',
      node: 'ENVELOPE_WRONG_ISSUER',
      verifier: 'unknown-signer',
      checks: ['envelope.signer not-a-party'],
      ask: (world) => {
        const claims = { iss: world.stranger.node };
        return askUnder(world, {
          agreement: world.agreement,
          claims,
          signer: world.stranger.nodeSigner,
          issuedAt: day(4),
        });
      },
    },
    {
      zh: '已退出的一方退出之前签发的信封',
      en: 'what a party issued before it left',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => {
        const three = makeAgreement([world.pinghu, world.jinshan, world.stranger]);
        const parties = three.content.parties.slice(0, 2);
        const also = [parseAgreement(signed(world, next(world, { parties }, three)))];
        const claims = { iss: world.stranger.node };
        return askUnder(world, {
          agreement: three,
          also,
          claims,
          signer: world.stranger.nodeSigner,
          issuedAt: sealedAt,
        });
      },
    },
    {
      zh: '后加入的一方按其加入之前的版本签发',
      en: 'a party that joined later names a version from before',
      node: 'ENVELOPE_WRONG_ISSUER',
      verifier: 'unknown-signer',
      checks: ['envelope.signer not-a-party'],
      ask: (world) => {
        const claims = { iss: world.stranger.node };
        return askUnder(world, {
          agreement: world.agreement,
          claims,
          signer: world.stranger.nodeSigner,
          issuedAt: sealedAt,
        });
      },
    },
    {
      zh: '职权已由其他机关承继之后，原机关仍在签发',
      en: 'an authority goes on after its powers have passed to its successor',
      node: 'AUTHORITY_SUCCEEDED',
      verifier: 'unknown-signer',
      checks: ['envelope.signer authority-succeeded'],
      ask: (world) => askUnder(world, { agreement: succeeded(world), issuedAt: day(4) }),
    },
    {
      zh: '承继之前签发的：原机关的签署永远可核验',
      en: 'what it issued before: the old authority’s signatures verify for ever',
      node: 'accepted',
      verifier: 'valid',
      ask: (world) => askUnder(world, { agreement: succeeded(world), issuedAt: sealedAt }),
    },
    {
      zh: '机关尚未设立时签发',
      en: 'issued before the authority existed',
      node: 'AGREEMENT_NOT_IN_FORCE',
      verifier: 'unknown-signer',
      checks: ['envelope.signer authority-not-yet'],
      ask: (world) => {
        const { node } = world.pinghu;
        const content = world.textWith(world.text(), node, { validity: { from: instant(day(1)), to: null } });
        return askUnder(world, { agreement: parseAgreement(signed(world, content)), issuedAt: sealedAt });
      },
    },
    {
      zh: '机关撤销之后签发',
      en: 'issued after the authority had ended',
      node: 'AGREEMENT_NOT_IN_FORCE',
      verifier: 'unknown-signer',
      checks: ['envelope.signer authority-ended'],
      ask: (world) => {
        const { node } = world.pinghu;
        const content = world.textWith(world.text(), node, { validity: { from: null, to: instant(day(-1)) } });
        return askUnder(world, { agreement: parseAgreement(signed(world, content)), issuedAt: sealedAt });
      },
    },
    {
      zh: '单独的证据包，用印时所给协议已经期满',
      en: 'a bundle alone, sealed when the given agreement had ended',
      node: null,
      verifier: 'indeterminate',
      checks: ['seal.signer no-agreement-in-force'],
      ask: async (world) => {
        const content = world.text({ effective: { from: instant(day(-30)), to: instant(day(-1)) } });
        const agreement = parseAgreement(signed(world, content));
        return { ...(await world.askSeal({ signer: world.pinghu.seal, agreement, openssl: null })), node: null };
      },
    },
    ...directions(),
  ],
};

/** From day 3 on, Haiyan holds Pinghu's powers. */
function succeeded(world: World): Agreement {
  const parties = [world.pinghu, world.jinshan, world.stranger];
  const successor = { node: world.stranger.node, from: instant(day(3)) };
  const content = world.textWith(world.text({}, parties), world.pinghu.node, { successor });
  return parseAgreement(sealedBy(content, parties));
}

/** R19: what the agreement does not cover is blocked by the rules, at the sender before sealing and at the receiver. */
function directions(): Situation[] {
  const ask = (change: (terms: AgreementTerms) => Partial<AgreementTerms>, at = sealedAt): Outcome => {
    const terms = sampleTerms() as unknown as AgreementTerms;
    const agreement = readRecognitionAgreement({
      id: 'pinghu-jinshan',
      version: 1,
      effective: { from: '2022-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' },
      parties: [
        { node: 'pinghu.330482', region: '330482' },
        { node: 'jinshan.310116', region: '310116' },
      ],
      terms: { ...terms, ...change(terms) },
    });
    // S1: Jinshan hands a lead about spoil dumping to Pinghu.
    const transfer = readSample('s1').transfer as unknown as TransferData;
    const decision = evaluateRecognition({
      ...{ transfer, agreement, manifest: null, at: instant(at) },
      catalogue: shippedSet(),
      registers: quietRegisters,
    });
    const finding = decision.results.find(({ rule, result }) => rule === 'R19' && result === 'block');
    const node = finding
      ? { word: `R19 ${String(finding.facts.uncovered)}`, params: { finding } }
      : { word: 'accepted', params: {} };
    return { node, verifier: null, checks: [], openssl: null };
  };
  return [
    {
      zh: '移送的方向与违法行为种类都在协议之内（R19）',
      en: 'a transfer in a direction and of a family that the agreement lists (R19)',
      node: 'accepted',
      verifier: null,
      ask: () => ask(() => ({})),
    },
    {
      zh: '协议只有相反的方向',
      en: 'the agreement lists the other direction only',
      node: 'R19 direction',
      verifier: null,
      ask: () => ask(({ directions: all }) => ({ directions: all.filter(({ from }) => from === 'pinghu.330482') })),
    },
    {
      zh: '这一方向没有列入该违法行为种类',
      en: 'the direction does not list this family of violations',
      node: 'R19 family',
      verifier: null,
      ask: () =>
        ask(({ directions: all }) => ({ directions: all.map((one) => ({ ...one, families: ['other-family'] })) })),
    },
    {
      zh: '移送时协议已经期满（R19）',
      en: 'handed over after the agreement had ended (R19)',
      node: 'R19 date',
      verifier: null,
      ask: () => ask(() => ({}), new Date('2031-01-01T00:00:00Z')),
    },
  ];
}
