import type { Digest } from '../encoding';
import type { AgreementRef } from '../trust';

/** 通过, 有警告, 证据不足, 未通过, 签发方未知. */
export type Verdict = 'valid' | 'warning' | 'indeterminate' | 'invalid' | 'unknown-signer';

export type FileKind = 'bundle' | 'envelope' | 'receipt' | 'agreement' | 'unknown';

/**
 * Every question a verifier asks, as stable codes. Those of one kind of file must all have been answered before the
 * file can be called valid; the cross-checks come on top when files are given together.
 */
export const requiredChecks = {
  bundle: [
    'container.layout',
    'container.mimetype',
    'manifest.form',
    'manifest.complete',
    'container.checksum',
    'file.digest',
    'seal.form',
    'seal.signature',
    'seal.certificate',
    'seal.signer',
    'seal.time',
  ],
  envelope: [
    'envelope.form',
    'envelope.signature',
    'envelope.agreement',
    'envelope.certificate',
    'envelope.signer',
    'envelope.recipient',
  ],
  receipt: [
    'receipt.form',
    'receipt.entry',
    'receipt.log',
    'receipt.inclusion',
    'receipt.checkpoint',
    'receipt.cosignatures',
    'receipt.signer',
  ],
  agreement: ['agreement.form', 'agreement.signatures', 'agreement.trusted'],
  unknown: ['file.kind'],
} as const satisfies Record<FileKind, readonly string[]>;

export const crossChecks = ['envelope.matches-bundle', 'envelope.after-seal', 'receipt.matches-envelope'] as const;

/** Asked only where there is something to ask them of: a certificate that has run out, a revocation list, a predecessor. */
export const occasionalChecks = [
  'seal.still-valid',
  'seal.revocation',
  'seal.crl-current',
  'envelope.still-valid',
  'envelope.revocation',
  'envelope.crl-current',
  'agreement.succession',
  'agreement.timestamps',
  'agreement.time-authorities',
] as const;

export type CheckId =
  | (typeof requiredChecks)[FileKind][number]
  | (typeof crossChecks)[number]
  | (typeof occasionalChecks)[number];

/** Where the answer "no" means that nobody we know stands behind an otherwise sound file. */
const signerChecks: ReadonlySet<CheckId> = new Set(['seal.signer', 'envelope.signer', 'receipt.signer']);
/** Where the answer "no" is worth knowing and takes nothing away from the file. */
const advisoryChecks: ReadonlySet<CheckId> = new Set([
  'seal.crl-current',
  'envelope.crl-current',
  // Anybody may add a token to a file, so a bad one says nothing against the signature beside it.
  'agreement.timestamps',
  'agreement.time-authorities',
]);

export interface Check {
  id: CheckId;
  /**
   * `unchecked`: the question decides and could not be answered. `not-asked`: nothing was given to ask it of; the report
   * says so, and the verdict does not depend on it.
   */
  result: 'pass' | 'fail' | 'unchecked' | 'not-asked';
  /** What the answer rests on; `reason` is a stable word. Values come from the file and are to be shown as data. */
  params: Readonly<Record<string, string | number>>;
}

export interface CertificateFacts {
  subject: string;
  issuer: string;
  serial: string;
  fingerprint: string;
  notBefore: string;
  notAfter: string;
  urn: string | null;
  /** Whom the agreement knows under this certificate; absent where no agreement says so. */
  authority?: string;
  node?: string;
}

export interface FileFacts {
  name: string;
  mediaType: string;
  bytes: number;
  digest: Digest;
}

/** What a file says, as far as it could be read. Only worth something together with the verdict. */
export interface Facts {
  /** The name by which other files speak of this one: of the manifest for a bundle, else of the file. */
  digest?: Digest;
  signer?: CertificateFacts;
  /** The signer's own claim. */
  signedAt?: string;
  /** A moment at which it existed, by the log of another party than its signer: the earliest receipt given along. */
  proven?: { time: string; node: string; receipt: string };
  agreement?: AgreementRef & { title?: string; from?: string; to?: string; parties?: readonly string[] };
  files?: readonly FileFacts[];
  envelope?: {
    id: string;
    from: string;
    to: string;
    /** The transfer's kind; STATE: what became of it; or TEST: then the next four are null. */
    kind: string;
    /** What casework says with it. */
    command: string | null;
    number: string | null;
    dossier: string | null;
    transfer: string | null;
    seq: number;
    manifest: Digest | null;
    announced: number;
  };
  receipt?: {
    event: string;
    node: string;
    time: string;
    envelope?: Digest;
    degree?: string;
    outcome?: string;
    code?: string;
    index: number;
    treeSize: number;
    origin: string;
  };
}

export interface Report {
  file: string;
  kind: FileKind;
  verdict: Verdict;
  checks: readonly Check[];
  facts: Facts;
}

/** Collects answers for one file; the verdict follows from them and from nothing else. */
export class Findings {
  private readonly checks: Check[] = [];
  facts: Facts = {};

  constructor(
    readonly file: string,
    readonly kind: FileKind,
  ) {}

  pass(id: CheckId, params: Check['params'] = {}): void {
    this.checks.push({ id, result: 'pass', params });
  }

  fail(id: CheckId, reason: string, params: Check['params'] = {}): void {
    this.checks.push({ id, result: 'fail', params: { reason, ...params } });
  }

  unchecked(id: CheckId, reason: string, params: Check['params'] = {}): void {
    this.checks.push({ id, result: 'unchecked', params: { reason, ...params } });
  }

  notAsked(id: CheckId, reason: string, params: Check['params'] = {}): void {
    this.checks.push({ id, result: 'not-asked', params: { reason, ...params } });
  }

  has(id: CheckId): boolean {
    return this.checks.some((check) => check.id === id);
  }

  failed(id: CheckId): boolean {
    return this.checks.some((check) => check.id === id && check.result === 'fail');
  }

  /** Asked, and every answer was yes. */
  passed(id: CheckId): boolean {
    return this.has(id) && this.checks.every((check) => check.id !== id || check.result === 'pass');
  }

  /** A required question that nobody answered counts as not checked: forgetting one can't make a file valid. */
  report(): Report {
    const missing = requiredChecks[this.kind].filter((id) => !this.has(id));
    const checks: Check[] = [
      ...this.checks,
      ...missing.map((id) => ({ id, result: 'unchecked' as const, params: { reason: 'earlier-failure' } })),
    ];
    return { file: this.file, kind: this.kind, verdict: verdictOf(checks), checks, facts: this.facts };
  }
}

export function verdictOf(checks: readonly Check[]): Verdict {
  const failed = checks.filter((check) => check.result === 'fail').map((check) => check.id);
  if (failed.some((id) => !signerChecks.has(id) && !advisoryChecks.has(id))) return 'invalid';
  if (failed.some((id) => signerChecks.has(id))) return 'unknown-signer';
  if (checks.some((check) => check.result === 'unchecked')) return 'indeterminate';
  return failed.length > 0 ? 'warning' : 'valid';
}

/** 0 valid, 1 not valid, 2 could not check: the worst of all files decides, and a "no" outweighs a "don't know". */
export function exitCodeOf(verdicts: readonly Verdict[]): 0 | 1 | 2 {
  if (verdicts.some((verdict) => verdict === 'invalid' || verdict === 'unknown-signer')) return 1;
  return verdicts.length === 0 || verdicts.includes('indeterminate') ? 2 : 0;
}
