import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type KeyKind = 'RSA' | 'P-256' | 'P-384';

export interface AuthorityOptions {
  key?: KeyKind;
  /** Lines of the signer's extensions. */
  extensions?: string;
  /** Certification authorities between root and signer. */
  intermediates?: number;
  /** basicConstraints of the intermediates. */
  constraints?: string;
  /** Digest with which the certificates are signed. */
  certificateDigest?: string;
}

export interface ReplyOptions {
  digest?: 'sha256' | 'sha384' | 'sha512';
  /** Digest in the signing-certificate attribute: sha1 makes version 1 of it. */
  ess?: 'sha1' | 'sha256' | 'sha384';
  accuracy?: string;
  ordering?: boolean;
  /** Digits after the second. */
  precision?: number;
  /** Whether the token holds the intermediates, too. */
  chain?: boolean;
}

const kinds: Record<KeyKind, string[]> = {
  RSA: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
};
export const forTimestamps = 'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n';

/** A time-stamping authority made by openssl from end to end: what our verifier knows of it, it knows from the RFCs. */
export class OpensslAuthority {
  readonly root: string;
  readonly signer: string;

  constructor(
    private readonly dir: string,
    private readonly name: string,
    options: AuthorityOptions = {},
  ) {
    const { key = 'P-256', extensions = forTimestamps, intermediates = 0, certificateDigest = 'sha256' } = options;
    const { constraints = 'critical,CA:TRUE' } = options;
    this.root = this.file('root.pem');
    this.openssl('genpkey', ...kinds[key], '-out', this.file('root.key'));
    const rootExtensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    this.openssl(
      ...['req', '-x509', '-new', '-utf8', '-key', this.file('root.key'), '-subj', `/CN=${name} 根`, '-days', '3650'],
      ...rootExtensions.flatMap((line) => ['-addext', line]),
      ...['-out', this.root],
    );
    let issuer = 'root';
    let chain = '';
    for (let i = 1; i <= intermediates; i++) {
      const lines = `basicConstraints=${constraints}\nkeyUsage=critical,keyCertSign\n`;
      chain += this.issue(`ca${i}`, issuer, key, lines, certificateDigest);
      issuer = `ca${i}`;
    }
    writeFileSync(this.file('chain.pem'), chain);
    this.issue('signer', issuer, key, extensions, certificateDigest);
    this.signer = this.file('signer.pem');
  }

  /** The answer of `openssl ts -reply` to a TimeStampReq: the DER of a TimeStampResp. */
  reply(query: Uint8Array, options: ReplyOptions = {}): Buffer {
    const { digest = 'sha256', ess = 'sha256', accuracy, ordering = false, precision = 0, chain = false } = options;
    writeFileSync(this.file('serial'), '0A\n');
    writeFileSync(this.file('query.tsq'), query);
    const lines = [
      '[tsa]',
      'default_tsa = own',
      '[own]',
      `serial = ${this.file('serial')}`,
      'crypto_device = builtin',
      `signer_cert = ${this.signer}`,
      ...(chain ? [`certs = ${this.file('chain.pem')}`] : []),
      `signer_key = ${this.file('signer.key')}`,
      `signer_digest = ${digest}`,
      'default_policy = 1.2.3.4.1',
      'digests = sha256, sha384, sha512',
      ...(accuracy === undefined ? [] : [`accuracy = ${accuracy}`]),
      `ordering = ${ordering ? 'yes' : 'no'}`,
      'tsa_name = yes',
      `clock_precision_digits = ${precision}`,
      `ess_cert_id_chain = ${chain ? 'yes' : 'no'}`,
      `ess_cert_id_alg = ${ess}`,
    ];
    writeFileSync(this.file('ts.cnf'), `${lines.join('\n')}\n`);
    const out = this.file('reply.tsr');
    this.openssl('ts', '-reply', '-config', this.file('ts.cnf'), '-queryfile', this.file('query.tsq'), '-out', out);
    return readFileSync(out);
  }

  private issue(name: string, issuer: string, key: KeyKind, extensions: string, digest: string): string {
    const file = (ending: string) => this.file(`${name}.${ending}`);
    writeFileSync(file('ext'), extensions);
    this.openssl('genpkey', ...kinds[key], '-out', file('key'));
    this.openssl('req', '-new', '-utf8', '-key', file('key'), '-subj', `/CN=${this.name} ${name}`, '-out', file('csr'));
    this.openssl(
      ...['x509', '-req', '-in', file('csr'), '-CA', this.file(`${issuer}.pem`), '-CAkey', this.file(`${issuer}.key`)],
      ...['-days', '3650', `-${digest}`, '-extfile', file('ext'), '-out', file('pem'), '-CAcreateserial'],
    );
    return this.openssl('x509', '-in', file('pem')).toString();
  }

  private file(name: string): string {
    return join(this.dir, `${this.name}-${name}`);
  }

  private openssl(...args: string[]): Buffer {
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
