import {
  type Agreement,
  type Certificate,
  type ChainProblem,
  type Crl,
  checkChain,
  GatewayError,
  type NoteKey,
  type NoteSigner,
  nodeUrn,
  type Signer,
  sealUrn,
  trustedParty,
} from '@jieqiao/core';
import type { DataKey } from './vault';

/** A key and its certificate as TLS wants them, PEM. */
export interface TlsIdentity {
  key: string;
  cert: string;
}

/** A node key in both forms in which it is used. */
export interface NodeKey {
  signer: Signer;
  keyPem: string;
}

/** All lists are newest first. */
export interface KeyRingParts {
  nodeId: string;
  roots: readonly Certificate[];
  seals: readonly Signer[];
  nodes: readonly NodeKey[];
  logs: readonly NoteSigner[];
  /** Log keys that were removed: what they signed is still this log's. */
  retiredLogs?: readonly NoteKey[];
  crls?: readonly Crl[];
  sessionSecret?: Buffer;
  dataKeys?: readonly DataKey[];
}

type Answer = { signer: Signer } | { problem: ChainProblem };

/**
 * Every generation of a node's keys at one moment. For each signature the newest one is taken that the agreement lets
 * speak for this node then: so a key is renewed, or replaced by a new agreement version, without a restart, and whoever
 * holds the version that an envelope names finds it signed by a key that this version knows.
 */
export class KeyRing {
  readonly nodeId: string;
  readonly roots: readonly Certificate[];
  readonly seals: readonly Signer[];
  readonly nodes: readonly Signer[];
  readonly logs: readonly NoteSigner[];
  readonly retiredLogs: readonly NoteKey[];
  readonly crls: readonly Crl[];
  readonly sessionSecret: Buffer;
  /** For data at rest: the newest seals, each opens what it has sealed. */
  readonly dataKeys: readonly DataKey[];
  private readonly identities: ReadonlyMap<Signer, TlsIdentity>;
  private readonly chosen = new Map<string, { second: number; answer: Answer }>();

  constructor(parts: KeyRingParts) {
    const { nodeId, roots, seals, nodes, logs, retiredLogs = [], crls = [], sessionSecret = Buffer.alloc(0) } = parts;
    this.nodeId = nodeId;
    this.roots = roots;
    this.seals = seals;
    this.nodes = nodes.map(({ signer }) => signer);
    this.logs = logs;
    this.retiredLogs = retiredLogs;
    this.crls = crls;
    this.sessionSecret = sessionSecret;
    this.dataKeys = parts.dataKeys ?? [];
    this.identities = new Map(
      nodes.map(({ signer, keyPem }) => [signer, { key: keyPem, cert: signer.certificate.toPem() }]),
    );
  }

  /** The seal for documents under an agreement. @throws GatewayError CERTIFICATE_REFUSED {problem, subject} */
  seal(agreement: Agreement, at: Date): Signer {
    return this.choose('seal', agreement, at);
  }

  /** The key for envelopes under an agreement. @throws GatewayError CERTIFICATE_REFUSED {problem, subject} */
  node(agreement: Agreement, at: Date): Signer {
    return this.choose('node', agreement, at);
  }

  /**
   * The certificate to show in TLS: the newest that all these agreements accept. Where no one certificate suits all,
   * the newest that any of them accepts: a root is better replaced in all agreements before the old one is taken out.
   * @throws GatewayError CERTIFICATE_REFUSED {problem, subject} when none accepts any
   */
  tls(agreements: readonly Agreement[], at: Date): TlsIdentity {
    const accepted = (signer: Signer) => (agreement: Agreement) => !this.problemOf(signer, 'node', agreement, at);
    const signer =
      this.nodes.find((candidate) => agreements.every(accepted(candidate))) ??
      this.nodes.find((candidate) => agreements.some(accepted(candidate)));
    if (!signer) throw refused(this.problemOf(this.nodes[0]!, 'node', agreements[0]!, at)!);
    return this.identities.get(signer)!;
  }

  /** Every public half under which this log's checkpoints may stand. */
  get knownLogKeys(): NoteKey[] {
    return [...this.logs.map(({ key }) => key), ...this.retiredLogs];
  }

  /** A thousand sends a second ask for the same: the answer stands for its second, the unit of an envelope's times. */
  private choose(use: 'seal' | 'node', agreement: Agreement, at: Date): Signer {
    const second = Math.floor(at.getTime() / 1000);
    const key = `${use} ${agreement.ref.digest}`;
    let known = this.chosen.get(key);
    if (known?.second !== second) {
      known = { second, answer: this.newestAccepted(use, agreement, at) };
      this.chosen.set(key, known);
    }
    if ('problem' in known.answer) throw refused(known.answer.problem);
    return known.answer.signer;
  }

  private newestAccepted(use: 'seal' | 'node', agreement: Agreement, at: Date): Answer {
    const signers = use === 'seal' ? this.seals : this.nodes;
    let first: ChainProblem | null = null;
    for (const signer of signers) {
      const problem = this.problemOf(signer, use, agreement, at);
      if (!problem) return { signer };
      first ??= problem;
    }
    return { problem: first ?? { code: 'UNKNOWN_ISSUER', subject: use } };
  }

  private problemOf(signer: Signer, use: 'seal' | 'node', agreement: Agreement, at: Date): ChainProblem | null {
    const urn = use === 'seal' ? sealUrn(this.nodeId) : nodeUrn(this.nodeId);
    const anchors = trustedParty(agreement.trust, this.nodeId)?.anchors ?? [];
    return checkChain(signer.certificate, anchors, at, use, urn, { crls: this.crls, at });
  }
}

function refused({ code, subject }: ChainProblem): GatewayError {
  return new GatewayError('CERTIFICATE_REFUSED', { problem: code, subject });
}
