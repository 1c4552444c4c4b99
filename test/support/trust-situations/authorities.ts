import { type Certificate, officerUrn, ownRoot, type Speaker, sealUrn } from '@jieqiao/core';
import {
  ecKey,
  extensions,
  type Keyed,
  keyedOf,
  nameOf,
  nodeUsage,
  oddCertificate,
  rootUsage,
  rsaKey,
  sealUsage,
  signerOf,
} from '../odd-certificates';
import { sealedAt, validity, verifiedAt } from '../sealed-exchange';
import type { Group } from './situation';
import { hours, later, type World } from './world';

const day = (n: number) => later(sealedAt, hours(24 * n));
const soon = later(sealedAt, 3_250);

/** A recognised certification authority (电子政务 CA): it serves thousands of bodies, and proves who they are. */
const publicCa = oddCertificate({
  subject: nameOf(['C', 'CN'], ['O', '某电子认证服务有限公司'], ['CN', '政务 CA']),
  extensions: [extensions.ca(0), extensions.usage(0x06)],
});
const body = (cn: string) => nameOf(['C', 'CN'], ['O', '平湖市综合行政执法局'], ['CN', cn]);
const ours = '平湖市综合行政执法局印章';
/** As this authority issues them: without any name of ours. */
const issued = (subject: Buffer, more: Parameters<typeof oddCertificate>[0] = {}): Keyed =>
  oddCertificate({ issuer: publicCa, subject, extensions: [sealUsage], ...more });
const listed = issued(body(ours));

const byFingerprint: Speaker = { use: 'seal', fingerprint: listed.certificate.fingerprint };
const bySubject: Speaker = { use: 'seal', subject: listed.certificate.subject };
const underCa = (world: World, speaker: Speaker) =>
  world.agreementWithAnchors([{ certificate: publicCa.certificate, speakers: [speaker] }]);

/** The certificates of another body under the same authority, each with a subject that a person could take for ours. */
const alike: [zh: string, en: string, subject: Buffer][] = [
  [
    '同一认证机构为另一单位签发的证书',
    'another body’s certificate under the same authority',
    nameOf(['CN', '某某公司']),
  ],
  ['主题以形近字冒充（“市”写成“巿”）', 'a subject with a look-alike character', body('平湖巿综合行政执法局印章')],
  ['主题末尾多一个空格', 'a subject with a space at its end', body(`${ours} `)],
  [
    'CN 里写入逗号，读起来像完整主题',
    'a CN with commas that reads like the whole subject',
    nameOf(['CN', `${ours},O=平湖市综合行政执法局,C=CN`]),
  ],
  ['CN 里写入换行', 'a CN with a line break', nameOf(['C', 'CN'], ['O', '平湖市综合行政执法局'], ['CN', `${ours}\n`])],
  [
    '主题多出一项',
    'a subject with one more part',
    nameOf(['C', 'CN'], ['O', '平湖市综合行政执法局'], ['CN', ours], ['CN', ours]),
  ],
];

export const publicAuthorities: Group = {
  letter: 'P',
  zh: '公共认证机构（电子政务 CA）签发的证书',
  en: 'Certificates of an authority that serves many',
  situations: [
    {
      zh: '协议按指纹列出的印章',
      en: 'a seal that the agreement lists by its fingerprint',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal({ signer: signerOf(listed), agreement: underCa(world, byFingerprint) }),
    },
    {
      zh: '协议按主题列出的印章',
      en: 'a seal that the agreement lists by its subject',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal({ signer: signerOf(listed), agreement: underCa(world, bySubject) }),
    },
    {
      zh: '按主题列出的印章换发了新证书，主题不变',
      en: 'listed by subject and renewed: another key, the same subject',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal({ signer: signerOf(issued(body(ours))), agreement: underCa(world, bySubject) }),
    },
    {
      zh: '按指纹列出的印章换发了新证书',
      en: 'listed by fingerprint and renewed: the new one is not on the list',
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_A_SPEAKER',
      verifier: 'unknown-signer',
      checks: ['seal.signer NOT_A_SPEAKER'],
      ask: (world) => {
        const agreement = underCa(world, byFingerprint);
        return world.askSeal({ signer: signerOf(issued(body(ours))), agreement, openssl: null });
      },
    },
    ...alike.map(([zh, en, subject]) => ({
      zh,
      en,
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_A_SPEAKER',
      verifier: 'unknown-signer' as const,
      checks: ['seal.signer NOT_A_SPEAKER'],
      ask: (world: World) =>
        world.askSeal({ signer: signerOf(issued(subject)), agreement: underCa(world, bySubject), openssl: null }),
    })),
    {
      zh: '另一单位的证书里写着本机关的名称（URN）',
      en: 'another body’s certificate that carries our URN: the list decides, not the name',
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_A_SPEAKER',
      verifier: 'unknown-signer',
      checks: ['seal.signer NOT_A_SPEAKER'],
      ask: (world) => {
        const list = [sealUsage, extensions.uris(sealUrn(world.pinghu.node))];
        const other = issued(nameOf(['CN', '某某公司']), { extensions: list });
        return world.askSeal({ signer: signerOf(other), agreement: underCa(world, bySubject), openssl: null });
      },
    },
    {
      zh: '列为印章的证书用来签发信封',
      en: 'listed as a seal, used to sign an envelope',
      node: 'CERTIFICATE_REFUSED NOT_A_SPEAKER',
      verifier: 'unknown-signer',
      checks: ['envelope.signer NOT_A_SPEAKER'],
      ask: (world) => {
        const node = issued(body(ours), { extensions: [...nodeUsage] });
        return world.askEnvelope({ signer: signerOf(node), agreement: underCa(world, bySubject), openssl: null });
      },
    },
    {
      zh: '协议列出的节点证书',
      en: 'a node certificate that the agreement lists',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const node = issued(body('平湖节点'), { extensions: [...nodeUsage] });
        const agreement = underCa(world, { use: 'node', subject: node.certificate.subject });
        return world.askEnvelope({ signer: signerOf(node), agreement });
      },
    },
    {
      zh: '协议列出的印章已经到期',
      en: 'a listed seal that had run out',
      node: 'BUNDLE_SIGNER_UNKNOWN EXPIRED',
      verifier: 'invalid',
      checks: ['seal.certificate EXPIRED'],
      openssl: 'fail',
      ask: (world) => {
        const seal = issued(body(ours), { validity: { notBefore: validity.notBefore, notAfter: day(-1) } });
        return world.askSeal({ signer: signerOf(seal), agreement: underCa(world, bySubject) });
      },
    },
    {
      zh: '协议列出的印章被认证机构吊销，先吊销后用印',
      en: 'a listed seal that the authority revoked before it sealed',
      node: 'BUNDLE_SIGNER_UNKNOWN REVOKED',
      verifier: 'invalid',
      checks: ['seal.revocation REVOKED'],
      openssl: 'fail',
      ask: async (world) => {
        const crls = [await world.crl({ certificate: listed.certificate, at: day(-1) }, {}, publicCa)];
        const agreement = underCa(world, bySubject);
        return world.askSeal({ signer: signerOf(listed), agreement, crls, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '冒名的认证机构（名称相同）签发、主题相符的印章',
      en: 'a seal with the listed subject by a look-alike of the authority',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const look = oddCertificate({ subject: publicCa.certificate.subjectDer, extensions: rootUsage });
        const seal = issued(body(ours), { issuer: look });
        return world.askSeal({ signer: signerOf(seal), agreement: underCa(world, bySubject) });
      },
    },
  ],
};

/** Pinghu's agreement with one more root in it, and a seal under that root. */
function underRoot(world: World, parts: Parameters<typeof oddCertificate>[0], seal: typeof parts = {}) {
  const subject = nameOf(['CN', '平湖第二根证书']);
  const root = oddCertificate({ subject, extensions: rootUsage, ...parts });
  return {
    agreement: world.agreementWithAnchors([ownRoot(root.certificate)]),
    signer: signerOf(world.seal({ issuer: root, ...seal })),
  };
}

export const roots: Group = {
  letter: 'R',
  zh: '根证书',
  en: 'Roots',
  situations: [
    {
      zh: '协议载有两张根证书，用第二张签发的印章',
      en: 'the agreement pins two roots; a seal under the second',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal(underRoot(world, {})),
    },
    {
      zh: '用印时根证书尚未生效',
      en: 'the root was not yet valid when it was sealed',
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_YET_VALID',
      verifier: 'invalid',
      checks: ['seal.certificate NOT_YET_VALID'],
      openssl: 'fail',
      ask: (world) => world.askSeal(underRoot(world, { validity: { notBefore: day(1), notAfter: validity.notAfter } })),
    },
    {
      zh: '用印时根证书已经到期，印章证书尚未到期',
      en: 'the root had run out when it was sealed, the seal’s certificate had not',
      node: 'BUNDLE_SIGNER_UNKNOWN EXPIRED',
      verifier: 'invalid',
      checks: ['seal.certificate EXPIRED'],
      openssl: 'fail',
      ask: (world) =>
        world.askSeal(underRoot(world, { validity: { notBefore: validity.notBefore, notAfter: day(-1) } })),
    },
    {
      zh: '根证书此后到期，没有时间证明',
      en: 'the root has run out since; no proof of time',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['seal.still-valid expired-without-proof-of-time'],
      openssl: 'fail',
      ask: (world) => {
        const given = underRoot(world, { validity: { notBefore: validity.notBefore, notAfter: day(2) } });
        return world.askSeal({ ...given, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '根证书此后到期，有回执',
      en: 'the root has run out since; with a receipt',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const given = underRoot(world, { validity: { notBefore: validity.notBefore, notAfter: day(2) } });
        return world.askSeal({ ...given, receipt: { at: soon } });
      },
    },
    {
      zh: '根证书不可签发证书（密钥用途）',
      en: 'the root’s key usage does not let it issue certificates',
      node: 'BUNDLE_SIGNER_UNKNOWN NOT_A_CA',
      verifier: 'invalid',
      checks: ['seal.certificate NOT_A_CA'],
      openssl: 'fail',
      ask: (world) => world.askSeal(underRoot(world, { extensions: [extensions.ca(), extensions.usage(0x80)] })),
    },
    {
      zh: '根证书密钥过弱：RSA 1024 位',
      en: 'a root with a weak key: RSA of 1,024 bits',
      node: 'BUNDLE_SIGNER_UNKNOWN WEAK_KEY',
      verifier: 'invalid',
      checks: ['seal.certificate WEAK_KEY'],
      openssl: 'fail',
      ask: (world) => world.askSeal(underRoot(world, { key: rsaKey(1024) })),
    },
    {
      zh: '根证书曲线不被接受：P-192',
      en: 'a root with a weak key: curve P-192',
      node: 'BUNDLE_SIGNER_UNKNOWN WEAK_KEY',
      verifier: 'invalid',
      checks: ['seal.certificate WEAK_KEY'],
      openssl: 'fail',
      ask: (world) => world.askSeal(underRoot(world, { key: ecKey('prime192v1') })),
    },
    {
      zh: '根证书含不认识的关键扩展',
      en: 'a root with an unknown critical extension',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_CRITICAL_EXTENSION',
      verifier: 'invalid',
      checks: ['seal.certificate UNKNOWN_CRITICAL_EXTENSION'],
      openssl: 'fail',
      ask: (world) => world.askSeal(underRoot(world, { extensions: [...rootUsage, extensions.critical()] })),
    },
    {
      zh: '根证书自己的签名用 SHA-1（根证书因写入协议而可信，不因其签名）',
      en: 'a root signed with SHA-1: it is believed for standing in the agreement, whatever signed it',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askSeal(underRoot(world, { hash: 'sha1' })),
    },
    {
      zh: '根证书以原密钥换发，旧证书已到期，两张都在协议里',
      en: 'a root renewed with its key: the old certificate has run out, both are pinned',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const subject = nameOf(['CN', '平湖第三根证书']);
        const old = oddCertificate({
          subject,
          extensions: rootUsage,
          validity: { notBefore: validity.notBefore, notAfter: day(-1) },
        });
        const renewed = oddCertificate({ subject, key: old.key, extensions: rootUsage, serial: '4d3' });
        const anchors = [ownRoot(old.certificate), ownRoot(renewed.certificate)];
        const agreement = world.agreementWithAnchors(anchors);
        return world.askSeal({ agreement, signer: signerOf(world.seal({ issuer: renewed })) });
      },
    },
    {
      zh: '新版协议已撤下根证书，没有时间证明',
      en: 'a later version of the agreement has withdrawn the root; no proof of time',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['seal.still-valid withdrawn-without-proof-of-time'],
      openssl: 'fail',
      ask: (world) => {
        const { next, newRoot } = world.rotatedRoot(day(3));
        const openssl = { roots: [newRoot.certificate] };
        return world.askSeal({ signer: world.pinghu.seal, alsoGiven: [next], openssl });
      },
    },
    {
      zh: '新版协议已撤下根证书，有撤下之前的回执',
      en: 'a later version of the agreement has withdrawn the root; with a receipt',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const { next } = world.rotatedRoot(day(3));
        return world.askSeal({ signer: world.pinghu.seal, alsoGiven: [next], receipt: { at: soon } });
      },
    },
    {
      zh: '撤下之后仍以旧根证书的印章用印',
      en: 'sealed under the old root after the version that withdrew it had begun',
      node: 'BUNDLE_SIGNER_UNKNOWN UNKNOWN_ISSUER',
      verifier: 'unknown-signer',
      checks: ['seal.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const { next } = world.rotatedRoot(day(3));
        const given = { signer: world.pinghu.seal, signedAt: day(4), agreement: next, alsoGiven: [world.agreement] };
        return world.askSeal(given);
      },
    },
  ],
};

const certNo = '330482-0001';
const officerExtensions = [sealUsage, extensions.uris(officerUrn('pinghu.330482', certNo))];
const officer = (world: World, over: Parameters<typeof oddCertificate>[0] = {}): Certificate =>
  oddCertificate({ issuer: world.root(), extensions: officerExtensions, ...over }).certificate;

export const officers: Group = {
  letter: 'O',
  zh: '执法人员证书',
  en: 'Officers’ certificates',
  situations: [
    {
      zh: '证书有效，执法证号相符',
      en: 'a good certificate with the right number',
      node: 'accepted',
      verifier: null,
      openssl: 'ok',
      ask: (world) => world.askOfficer({ certificate: officer(world) }),
    },
    {
      zh: '尚未生效',
      en: 'not yet valid',
      node: 'CERTIFICATE_REFUSED NOT_YET_VALID',
      verifier: null,
      openssl: 'fail',
      ask: (world) => {
        const certificate = officer(world, { validity: { notBefore: day(1), notAfter: validity.notAfter } });
        return world.askOfficer({ certificate });
      },
    },
    {
      zh: '已经到期',
      en: 'run out',
      node: 'CERTIFICATE_REFUSED EXPIRED',
      verifier: null,
      openssl: 'fail',
      ask: (world) => {
        const certificate = officer(world, { validity: { notBefore: validity.notBefore, notAfter: day(-1) } });
        return world.askOfficer({ certificate });
      },
    },
    {
      zh: '签名之前已吊销（例如调离）',
      en: 'revoked before signing, on leaving the service for instance',
      node: 'CERTIFICATE_REFUSED REVOKED',
      verifier: null,
      openssl: 'fail',
      ask: async (world) => {
        const certificate = officer(world);
        const crls = [await world.crl({ certificate, at: day(-1) })];
        return world.askOfficer({ certificate, revocation: { crls, at: sealedAt }, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '签名之后才吊销，有可信时间',
      en: 'revoked after signing, by trusted time',
      node: 'accepted',
      verifier: null,
      ask: async (world) => {
        const certificate = officer(world);
        const crls = [await world.crl({ certificate, at: day(1) })];
        return world.askOfficer({ certificate, revocation: { crls, at: sealedAt }, openssl: null });
      },
    },
    {
      zh: '另一名执法人员的证书（执法证号不符）',
      en: 'another officer’s certificate (other number)',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: null,
      ask: (world) => world.askOfficer({ certificate: officer(world), certNo: '330482-0002', openssl: null }),
    },
    {
      zh: '以机关印章代替执法人员签名',
      en: 'the authority’s seal in place of an officer’s',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: null,
      ask: (world) => world.askOfficer({ certificate: world.pinghu.seal.certificate, openssl: null }),
    },
    {
      zh: '以节点证书代替执法人员签名',
      en: 'a node certificate in place of an officer’s',
      node: 'CERTIFICATE_REFUSED WRONG_USE',
      verifier: null,
      openssl: 'fail',
      ask: (world) => world.askOfficer({ certificate: world.pinghu.nodeSigner.certificate }),
    },
    {
      zh: '对方根证书签发',
      en: 'issued by the other party’s root',
      node: 'CERTIFICATE_REFUSED UNKNOWN_ISSUER',
      verifier: null,
      openssl: 'fail',
      ask: (world) => world.askOfficer({ certificate: officer(world, { issuer: world.root(world.jinshan) }) }),
    },
    {
      zh: '名称相同的冒名根证书签发',
      en: 'issued by a look-alike of the root',
      node: 'CERTIFICATE_REFUSED UNKNOWN_ISSUER',
      verifier: null,
      openssl: 'fail',
      ask: (world) => world.askOfficer({ certificate: officer(world, { issuer: keyedOf(world.namesake.root) }) }),
    },
    {
      zh: '密钥过弱：RSA 1024 位',
      en: 'a weak key: RSA of 1,024 bits',
      node: 'CERTIFICATE_REFUSED WEAK_KEY',
      verifier: null,
      openssl: 'fail',
      ask: (world) => world.askOfficer({ certificate: officer(world, { key: rsaKey(1024) }) }),
    },
    {
      zh: '证书链过长',
      en: 'a chain too long',
      node: 'CERTIFICATE_REFUSED UNKNOWN_ISSUER',
      verifier: null,
      openssl: 'fail',
      ask: (world) => {
        const between = oddCertificate({
          issuer: world.root(),
          subject: nameOf(['CN', '下级']),
          extensions: rootUsage,
        });
        const certificate = officer(world, { issuer: between });
        return world.askOfficer({ certificate, openssl: { between: between.certificate } });
      },
    },
    {
      zh: '证书含不认识的关键扩展',
      en: 'an unknown critical extension',
      node: 'CERTIFICATE_REFUSED UNKNOWN_CRITICAL_EXTENSION',
      verifier: null,
      openssl: 'fail',
      ask: (world) => {
        const certificate = officer(world, { extensions: [...officerExtensions, extensions.critical()] });
        return world.askOfficer({ certificate });
      },
    },
  ],
};
