import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { root, serveParent, startProcess, Unavailable } from './environment.mjs';
import { agreementFile, makePapers, receiver, sender } from './nodes.mjs';

const require = createRequire(import.meta.url);
const core = require('@jieqiao/core');
const {
  evaluateRecognition,
  joinCatalogues,
  parseCatalogue,
  readRecognitionAgreement,
} = require('@jieqiao/recognition');
const { KeyStore } = require('@jieqiao/platform');
const { shippedCatalogues } = require(join(root, 'apps/gateway/dist/catalogues.js'));
const contents = require(join(root, 'libs/exchange/dist/bundle-contents.js'));
const verifierFile = join(root, 'apps/verifier/dist/jieqiao-verify.js');

/** How fast the verifier is, in a process of its own: receipts, bundles, recognition decisions. */
export async function measureVerifying(cleanup, dir, { seconds, bundleBytes, evaluations, typical }) {
  if (!existsSync(verifierFile)) throw new Unavailable('no verifier here; run npm run build');
  const specs = await makePapers(join(dir, 'nodes'));
  const worker = startProcess(cleanup, 'verifying.mjs');
  const paths = { agreementFile: agreementFile(join(dir, 'nodes')), dirs: specs.map((spec) => spec.dir) };
  const receipts = await worker.ask({ type: 'receipts', seconds, ...paths });
  const decisions = await worker.ask({ type: 'recognition', seconds, evaluations, ...paths });
  const evaluation = await worker.ask({ type: 'evaluation', count: typical, ...paths });
  const file = join(dir, 'large.asice');
  await worker.ask({ type: 'makeBundle', file, bundleBytes, ...paths });
  await worker.stop();
  const start = performance.now();
  const { status, stdout } = spawnSync(process.execPath, [verifierFile, '--trust', paths.agreementFile, file], {
    encoding: 'utf8',
  });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`jieqiao-verify ended with ${status}: ${stdout}`);
  const bytes = statSync(file).size;
  return { receipts, bundle: { bytes, megabytesPerSecond: bytes / 1e6 / (ms / 1000) }, decisions, evaluation };
}

function repeat(seconds, atLeast, work) {
  for (let i = 0; i < 200; i++) work(i);
  const start = performance.now();
  let count = 0;
  while (atLeast === undefined ? performance.now() - start < seconds * 1000 : count < atLeast) {
    for (let i = 0; i < 100; i++) work(count++);
  }
  return { count, perSecond: count / ((performance.now() - start) / 1000) };
}

function sample() {
  const { transfer } = JSON.parse(readFileSync(join(root, 'test/samples/s1.json'), 'utf8'));
  return { ...transfer, documents: undefined };
}

const registers = { filings: [], unanswered: [], numberTaken: false, seal: null };

const handlers = {
  /** Receipts of one log under 16 checkpoints: each file on its own, and as a lane opens a batch of them. */
  receipts({ seconds, agreementFile, dirs }) {
    const agreement = core.parseAgreement(readFileSync(agreementFile));
    const keys = new KeyStore(join(dirs[1], 'keys')).load();
    let tree = core.TileTree.empty();
    const files = [];
    for (let batch = 0; batch < 16; batch++) {
      const entries = Array.from({ length: 64 }, (_, i) => receivedEntry(agreement, batch * 64 + i));
      tree = tree.extend(entries.map(core.leafHash)).tree;
      const checkpoint = core.signCheckpoint(tree.size, tree.root(), keys.logs);
      for (const [i, extra] of entries.entries()) {
        const index = batch * 64 + i;
        const proof = { extra, index, hashes: tree.recentInclusionProof(index), checkpoint };
        files.push(Buffer.from(core.formatTlogProof(proof)));
      }
    }
    const vkey = core.trustedParty(agreement.trust, receiver).logVkey;
    const opener = new core.ReceiptOpener(vkey);
    const one = repeat(seconds, undefined, (i) => {
      const { findings } = core.verifyReceiptFile('r', files[i % files.length], { agreements: [agreement], crls: [] });
      if (findings.report().verdict !== 'valid') throw new Error(JSON.stringify(findings.report()));
    });
    const batched = repeat(seconds, undefined, (i) => opener.open(files[i % files.length]));
    return { perSecond: one.perSecond, perSecondInBatches: batched.perSecond };
  },

  recognition({ seconds, evaluations, agreementFile }) {
    const agreement = readRecognitionAgreement(core.parseAgreement(readFileSync(agreementFile)).content);
    const transfer = sample();
    const manifest = contents.digestsById(transfer.evidence);
    const at = '2022-08-19T02:00:00.000Z';
    const input = { transfer, agreement, manifest, at, catalogue: shippedCatalogues(), registers };
    return repeat(seconds, evaluations, () => evaluateRecognition(input));
  },

  /**
   * A typical transfer, S2 with its 28 files, against the full catalogue; the floor is to read the same transfer as
   * JSON. In turns, so that whatever else the machine does falls on both. Microseconds each.
   */
  evaluation({ count, agreementFile }) {
    const agreement = readRecognitionAgreement(core.parseAgreement(readFileSync(agreementFile)).content);
    const { transfer } = JSON.parse(readFileSync(join(root, 'test/samples/s2.json'), 'utf8'));
    const folder = join(root, 'libs/recognition/catalogues');
    const editions = readdirSync(folder).filter((name) => name.endsWith('.json'));
    const catalogue = joinCatalogues(editions.map((name) => parseCatalogue(readFileSync(join(folder, name)))));
    const registers = { filings: [], unanswered: [], numberTaken: false, seal: null };
    const manifest = contents.digestsById(transfer.evidence);
    const input = { transfer, agreement, manifest, at: '2022-09-27T02:00:00.000Z', catalogue, registers };
    const text = JSON.stringify(transfer);
    const turns = 20;
    const each = Math.ceil(count / turns);
    const microseconds = { evaluation: 0, floor: 0 };
    const run = (name, work) => {
      const { count: made, perSecond } = repeat(0, each, work);
      microseconds[name] += 1e6 / perSecond / turns;
      return made;
    };
    let total = 0;
    for (let turn = 0; turn < turns; turn++) {
      total += run('evaluation', () => evaluateRecognition(input));
      run('floor', () => JSON.parse(text));
    }
    return { count: total, bytes: Buffer.byteLength(text), ...microseconds };
  },

  /** A bundle with one large file, as a node would render it. */
  async makeBundle({ file, bundleBytes, agreementFile, dirs }) {
    const agreement = core.parseAgreement(readFileSync(agreementFile));
    const keys = new KeyStore(join(dirs[0], 'keys')).load();
    const content = Buffer.alloc(8 << 20, randomBytes(1 << 16));
    const sha = createHash('sha256');
    let crc = 0;
    const chunks = Math.ceil(bundleBytes / content.length);
    for (let i = 0; i < chunks; i++) {
      sha.update(content);
      crc = crc32(content, crc);
    }
    const { id, dossier, kind, number, from, to, evidence, schema, documents, ...data } = sample();
    const {
      seq,
      fileName,
      mediaType,
      bytes: _bytes,
      digest: _digest,
      firstHashAt,
      id: evidenceId,
      ...fields
    } = evidence[0];
    const bytes = chunks * content.length;
    const digest = core.digestFromRaw(sha.digest());
    const row = { id: evidenceId, seq: 1, fileName, mediaType, bytes, digest, crc32: crc, data: fields, firstHashAt };
    const draft = { id, dossierId: dossier, kind, number, peer: to.node, data: { ...data, unit: from.unit } };
    const at = new Date();
    const transfer = contents.composeTransfer(draft, [row], agreement, sender, { of: () => undefined }, at);
    const decision = evaluateRecognition({
      transfer,
      agreement: contents.recognitionAgreement(agreement),
      manifest: contents.digestsById([row]),
      at: at.toISOString(),
      catalogue: shippedCatalogues(),
      registers,
    });
    const files = contents.bundleFiles(transfer, decision, [row], at.toISOString(), null);
    const plan = core.planBundle(core.sealBundle(files, keys.seals[0], at), files);
    const open = async function* () {
      for (let i = 0; i < chunks; i++) yield content;
    };
    await pipeline(core.writeZip(plan, open), createWriteStream(file));
  },
};

function receivedEntry(agreement, i) {
  const now = Date.now();
  const id = () => core.uuidv7(now, randomBytes(10));
  const digest = core.digestFromRaw(randomBytes(32));
  const subject = {
    agreement: agreement.ref,
    degree: 'verified',
    dossier: id(),
    envelope: digest,
    jti: id(),
    kind: 'transfer',
    manifest: digest,
    outcome: 'sendable',
    peer: sender,
    report: digest,
    seq: i + 1,
    transfer: id(),
  };
  const frame = { node: receiver, time: new Date(now).toISOString(), nonce: randomBytes(16) };
  return core.encodeLogEntry({ event: 'envelope.received', subject }, frame);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serveParent(handlers);
