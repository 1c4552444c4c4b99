import { Certificate, nodeUrn, sealUrn } from '@jieqiao/core';
import {
  ecKey,
  extensions,
  forger,
  nameOf,
  nodeUsage,
  oddCertificate,
  oddCertificateDer,
  rootUsage,
  sealUsage,
  signerOf,
} from '../odd-certificates';
import { sealedAt, validity, verifiedAt } from '../sealed-exchange';
import type { Group } from './situation';
import { hours, later } from './world';

const day = (n: number) => later(sealedAt, hours(24 * n));
const urn = nodeUrn('pinghu.330482');
const own = [...nodeUsage, extensions.uris(urn)];
const soon = later(sealedAt, 3_250);

const testClaims = { kind: 'test', dossier: null, transfer: null, bundle: null, body: {} } as const;

export const envelopes: Group = {
  letter: 'N',
  zh: '节点证书与信封',
  en: 'Node certificates and envelopes',
  situations: [
    {
      zh: '节点证书有效',
      en: 'a good node certificate',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askEnvelope({ signer: world.pinghu.nodeSigner }),
    },
    {
      zh: '试验信封：没有案件，不产生效力',
      en: 'a test envelope: no case, no effect',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => world.askEnvelope({ signer: world.pinghu.nodeSigner, claims: testClaims }),
    },
    {
      zh: '试验信封夹带证据包',
      en: 'a test envelope that names a bundle',
      node: 'ENVELOPE_MALFORMED type',
      verifier: 'invalid',
      checks: ['envelope.form type'],
      ask: (world) => {
        const { bundle, ...others } = testClaims;
        return world.askEnvelope({ signer: world.pinghu.nodeSigner, claims: others, openssl: null });
      },
    },
    {
      zh: '签发时证书尚未生效',
      en: 'issued before the certificate began',
      node: 'CERTIFICATE_REFUSED NOT_YET_VALID',
      verifier: 'invalid',
      checks: ['envelope.certificate NOT_YET_VALID'],
      openssl: 'fail',
      ask: (world) => {
        const node = world.node({ validity: { notBefore: day(1), notAfter: validity.notAfter } });
        return world.askEnvelope({ signer: signerOf(node) });
      },
    },
    {
      zh: '签发时证书已经到期',
      en: 'issued after the certificate had run out',
      node: 'CERTIFICATE_REFUSED EXPIRED',
      verifier: 'invalid',
      checks: ['envelope.certificate EXPIRED'],
      openssl: 'fail',
      ask: (world) => {
        const node = world.node({ validity: { notBefore: validity.notBefore, notAfter: day(-1) } });
        return world.askEnvelope({ signer: signerOf(node) });
      },
    },
    {
      zh: '签发时有效，核验时证书已到期，没有回执',
      en: 'good when issued, run out when verified, no receipt',
      node: 'accepted',
      verifier: 'indeterminate',
      checks: ['envelope.still-valid expired-without-proof-of-time'],
      openssl: 'fail',
      ask: (world) => {
        const node = world.node({ validity: { notBefore: validity.notBefore, notAfter: day(2) } });
        return world.askEnvelope({ signer: signerOf(node), openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '签发时有效，核验时证书已到期，有回执',
      en: 'good when issued, run out when verified, with its receipt',
      node: 'accepted',
      verifier: 'valid',
      openssl: 'ok',
      ask: (world) => {
        const node = world.node({ validity: { notBefore: validity.notBefore, notAfter: day(2) } });
        return world.askEnvelope({ signer: signerOf(node), receipt: { at: soon } });
      },
    },
    {
      zh: '先吊销，后签发',
      en: 'revoked before it was issued',
      node: 'CERTIFICATE_REFUSED REVOKED',
      verifier: 'invalid',
      checks: ['envelope.revocation REVOKED'],
      openssl: 'fail',
      ask: async (world) => {
        const node = world.node();
        const crls = [await world.crl({ certificate: node.certificate, at: day(-1) })];
        return world.askEnvelope({ signer: signerOf(node), crls, openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '先签发，后吊销，有吊销之前的回执',
      en: 'revoked after it was issued; a receipt of a time before shows it',
      node: 'accepted',
      verifier: 'valid',
      ask: async (world) => {
        const node = world.node();
        const crls = [await world.crl({ certificate: node.certificate, at: day(1) })];
        return world.askEnvelope({ signer: signerOf(node), crls, receipt: { at: soon }, openssl: null });
      },
    },
    {
      zh: '先签发，后吊销，有吊销之前的拒收回执（拒收也证明信封当时已存在）',
      en: 'the same with a refusal: also a refused envelope was there, signature and all',
      node: 'accepted',
      verifier: 'valid',
      ask: async (world) => {
        const node = world.node();
        const crls = [await world.crl({ certificate: node.certificate, at: day(1) })];
        const receipt = { at: soon, event: 'envelope.refused' as const };
        return world.askEnvelope({ signer: signerOf(node), crls, receipt, openssl: null });
      },
    },
    {
      zh: '自称吊销之前签发，没有回执；节点在吊销之后收到',
      en: 'revoked; the envelope claims to be older and nothing proves it; the node receives it afterwards',
      node: 'CERTIFICATE_REFUSED REVOKED',
      verifier: 'indeterminate',
      checks: ['envelope.revocation revoked-without-proof-of-time'],
      openssl: 'fail',
      ask: async (world) => {
        const node = world.node();
        const crls = [await world.crl({ certificate: node.certificate, at: day(1) })];
        return world.askEnvelope({ signer: signerOf(node), crls, received: day(1), openssl: { at: verifiedAt } });
      },
    },
    {
      zh: '用印章证书签发信封',
      en: 'signed with a seal',
      node: 'CERTIFICATE_REFUSED WRONG_USE',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_USE'],
      ask: (world) => world.askEnvelope({ signer: world.pinghu.seal, openssl: null }),
    },
    {
      zh: '证书只可用于服务器，不可用于客户端',
      en: 'a certificate for servers only, not for clients',
      node: 'CERTIFICATE_REFUSED WRONG_USE',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_USE'],
      openssl: 'fail',
      ask: (world) => {
        const serverOnly = [extensions.usage(0x80), extensions.purposes('1.3.6.1.5.5.7.3.1'), extensions.uris(urn)];
        const node = world.node({ extensions: serverOnly });
        return world.askEnvelope({ signer: signerOf(node), openssl: { purpose: 'sslclient' } });
      },
    },
    {
      zh: '证书没有注明 TLS 用途',
      en: 'a certificate without a TLS purpose',
      node: 'CERTIFICATE_REFUSED WRONG_USE',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_USE'],
      ask: (world) => {
        const node = world.node({ extensions: [sealUsage, extensions.uris(urn)] });
        return world.askEnvelope({ signer: signerOf(node), openssl: null });
      },
    },
    {
      zh: '本机关根证书签发、属于另一节点的证书',
      en: 'a certificate of this party’s root for another node',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_NAME'],
      ask: (world) => {
        const node = world.node({ extensions: [...nodeUsage, extensions.uris(nodeUrn(world.jinshan.node))] });
        return world.askEnvelope({ signer: signerOf(node), openssl: null });
      },
    },
    {
      zh: '节点证书写的是印章的名称',
      en: 'a TLS certificate that carries the seal’s name',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_NAME'],
      ask: (world) => {
        const node = world.node({ extensions: [...nodeUsage, extensions.uris(sealUrn(world.pinghu.node))] });
        return world.askEnvelope({ signer: signerOf(node), openssl: null });
      },
    },
    {
      zh: '对方以自己的证书冒用本方名义',
      en: 'the other party signs in this party’s name with its own certificate',
      node: 'ENVELOPE_SIGNER_UNKNOWN',
      verifier: 'unknown-signer',
      checks: ['envelope.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => world.askEnvelope({ signer: world.jinshan.nodeSigner }),
    },
    {
      zh: '根证书名称完全相同的冒名者',
      en: 'a look-alike: root and node certificate have all the same names',
      node: 'ENVELOPE_SIGNER_UNKNOWN',
      verifier: 'unknown-signer',
      checks: ['envelope.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => world.askEnvelope({ signer: world.namesake.nodeSigner }),
    },
    {
      zh: '自签名的节点证书',
      en: 'a self-signed node certificate with the right name',
      node: 'ENVELOPE_SIGNER_UNKNOWN',
      verifier: 'unknown-signer',
      checks: ['envelope.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => world.askEnvelope({ signer: signerOf(oddCertificate({ extensions: own })) }),
    },
    {
      zh: '签发方不是协议的一方',
      en: 'the issuer is no party',
      node: 'ENVELOPE_WRONG_ISSUER',
      verifier: 'unknown-signer',
      checks: ['envelope.signer not-a-party'],
      ask: (world) =>
        world.askEnvelope({ signer: world.stranger.nodeSigner, claims: { iss: world.stranger.node }, openssl: null }),
    },
    {
      zh: '收件方就是签发方自己',
      en: 'it is addressed to its own issuer',
      node: 'ENVELOPE_WRONG_ISSUER',
      verifier: 'invalid',
      checks: ['envelope.recipient to-itself'],
      ask: (world) =>
        world.askEnvelope({ signer: world.pinghu.nodeSigner, claims: { aud: world.pinghu.node }, openssl: null }),
    },
    {
      zh: '证书里有两个节点名（URN）',
      en: 'the certificate carries two URNs',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_NAME'],
      ask: (world) => {
        const two = extensions.uris(urn, nodeUrn(world.jinshan.node));
        return world.askEnvelope({ signer: signerOf(world.node({ extensions: [...nodeUsage, two] })), openssl: null });
      },
    },
    {
      zh: '节点名大小写不同',
      en: 'the URN in other letter case',
      node: 'CERTIFICATE_REFUSED WRONG_NAME',
      verifier: 'invalid',
      checks: ['envelope.certificate WRONG_NAME'],
      ask: (world) => {
        const shouted = extensions.uris('urn:jieqiao:NODE:pinghu.330482');
        const node = world.node({ extensions: [...nodeUsage, shouted] });
        return world.askEnvelope({ signer: signerOf(node), openssl: null });
      },
    },
    {
      zh: '密钥过弱：P-192 曲线',
      en: 'a weak key: curve P-192',
      node: 'ENVELOPE_MALFORMED encoding',
      verifier: 'invalid',
      checks: ['envelope.form encoding'],
      openssl: 'fail',
      ask: (world) => world.askEnvelope({ signer: signerOf(world.node({ key: ecKey('prime192v1') })) }),
    },
    {
      zh: '不接受的曲线：secp256k1',
      en: 'a curve that is not admitted: secp256k1',
      node: 'CERTIFICATE_REFUSED WEAK_KEY',
      verifier: 'invalid',
      checks: ['envelope.signature algorithm', 'envelope.certificate WEAK_KEY'],
      ask: (world) => world.askEnvelope({ signer: signerOf(world.node({ key: ecKey('secp256k1') })), openssl: null }),
    },
    {
      zh: '证书由 SHA-1 签发',
      en: 'the certificate is signed with SHA-1',
      node: 'CERTIFICATE_REFUSED WEAK_SIGNATURE',
      verifier: 'invalid',
      checks: ['envelope.certificate WEAK_SIGNATURE'],
      openssl: 'fail',
      ask: (world) => world.askEnvelope({ signer: signerOf(world.node({ hash: 'sha1' })) }),
    },
    {
      zh: '持有人改动了自己的证书',
      en: 'the holder has changed its own certificate',
      node: 'ENVELOPE_SIGNER_UNKNOWN',
      verifier: 'unknown-signer',
      checks: ['envelope.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const node = world.node({ subject: nameOf(['CN', '节点甲']) });
        const raw = Buffer.from(node.certificate.raw);
        raw.write('乙', raw.indexOf('甲'));
        return world.askEnvelope({ signer: forger(raw, node.key, Certificate.parse(raw).fingerprint) });
      },
    },
    {
      zh: '签名之后改动信封内容',
      en: 'claims changed after signing',
      node: 'ENVELOPE_SIGNATURE_INVALID',
      verifier: 'invalid',
      checks: ['envelope.signature signature'],
      ask: (world) =>
        world.askEnvelope({
          signer: world.pinghu.nodeSigner,
          openssl: null,
          change: (jws) => {
            const [header, claims, signature] = jws.split('.');
            const text = Buffer.from(claims!, 'base64url').toString().replace('第31号', '第32号');
            return `${header}.${Buffer.from(text).toString('base64url')}.${signature}`;
          },
        }),
    },
    {
      zh: '证书与所写指纹不符（换上别的证书）',
      en: 'another certificate put in place of the one whose fingerprint is stated',
      node: 'ENVELOPE_MALFORMED kid',
      verifier: 'invalid',
      checks: ['envelope.form kid'],
      ask: (world) => {
        const { raw } = world.jinshan.nodeSigner.certificate;
        const { key, certificate } = world.node();
        return world.askEnvelope({ signer: forger(raw, key, certificate.fingerprint), openssl: null });
      },
    },
    {
      zh: '证书链过长：根证书与节点证书之间有下级机构',
      en: 'a chain too long: an authority between root and node certificate',
      node: 'ENVELOPE_SIGNER_UNKNOWN',
      verifier: 'unknown-signer',
      checks: ['envelope.signer UNKNOWN_ISSUER'],
      openssl: 'fail',
      ask: (world) => {
        const between = oddCertificate({
          issuer: world.root(),
          subject: nameOf(['CN', '下级']),
          extensions: rootUsage,
        });
        const node = world.node({ issuer: between });
        return world.askEnvelope({ signer: signerOf(node), openssl: { between: between.certificate } });
      },
    },
    {
      zh: '证书含不认识的关键扩展',
      en: 'an unknown critical extension',
      node: 'CERTIFICATE_REFUSED UNKNOWN_CRITICAL_EXTENSION',
      verifier: 'invalid',
      checks: ['envelope.certificate UNKNOWN_CRITICAL_EXTENSION'],
      openssl: 'fail',
      ask: (world) =>
        world.askEnvelope({ signer: signerOf(world.node({ extensions: [...own, extensions.critical()] })) }),
    },
    {
      zh: '证书过大（20 KiB）',
      en: 'an oversized certificate (20 KiB)',
      node: 'ENVELOPE_MALFORMED encoding',
      verifier: 'invalid',
      checks: ['envelope.form encoding'],
      ask: (world) => {
        const key = ecKey('P-256');
        const raw = oddCertificateDer({
          issuer: world.root(),
          key,
          extensions: [...own, extensions.padding(20 * 1024)],
        });
        return world.askEnvelope({ signer: forger(raw, key), openssl: null });
      },
    },
  ],
};
