// The floor under an exchange: two plain Node processes that sign, verify, hash, frame and commit what two nodes do,
// with the same pure functions and nothing around them. docs/benchmarks.md says what is counted and what is left out.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer } from 'node:tls';
import { root, serveParent } from './environment.mjs';
import { list, openStore, rowsOf } from './floor-store.mjs';
import { runLoad } from './measure.mjs';

const require = createRequire(import.meta.url);
const core = require('@jieqiao/core');
const { evaluateRecognition, parseTransferData } = require('@jieqiao/recognition');
const { KeyStore } = require('@jieqiao/platform');
const { shippedCatalogues } = require(join(root, 'apps/gateway/dist/catalogues.js'));
/** The bytes that are sealed must be the product's, so they are made by the same pure functions. */
const contents = require(join(root, 'libs/exchange/dist/bundle-contents.js'));

const catalogue = shippedCatalogues();
const registers = { filings: [], unanswered: [], numberTaken: false, seal: null };

const maxBatch = 64;
const maxLogBatch = 512;
const sequencerPauseMs = 20;
const parts = [contents.transferPart, contents.custodyPart, contents.recognitionPart];

/** What both processes have: keys, agreement, database, the log. */
async function openNode({ node, dir, agreementFile, databaseUrl }) {
  const keys = new KeyStore(join(dir, 'keys')).load();
  const agreement = core.parseAgreement(readFileSync(agreementFile));
  const store = await openStore(databaseUrl);
  return { node, keys, agreement, store, log: new Log(node, keys.logs, store) };
}

/** Entries go in with the transaction that they tell of; places, tiles and a checkpoint follow batch by batch. */
class Log {
  #tree = core.TileTree.empty();
  #pending = [];

  constructor(node, signers, store) {
    this.node = node;
    this.signers = signers;
    this.store = store;
  }

  async append(run, events) {
    const time = new Date().toISOString();
    const nonces = randomBytes(16 * events.length);
    const entries = events.map((event, i) =>
      core.encodeLogEntry(event, { node: this.node, time, nonce: nonces.subarray(16 * i, 16 * (i + 1)) }),
    );
    const leaves = entries.map(core.leafHash);
    const result = await run(
      `INSERT INTO log_entry (entry, leaf_hash, created_at) VALUES ${rowsOf(entries.length, 3)}`,
      entries.flatMap((entry, i) => [entry, leaves[i], time]),
    );
    const first = this.store.firstId(result, entries.length);
    return entries.map((entry, i) => ({ id: first + i, entry, leaf: leaves[i] }));
  }

  committed(entries) {
    this.#pending.push(...entries);
  }

  /** @returns the batch with its place in the tree, or null when nothing is pending */
  async integrate() {
    const batch = this.#pending.splice(0, maxLogBatch).sort((a, b) => a.id - b.id);
    if (batch.length === 0) return null;
    const start = this.#tree.size;
    const { tree, changed } = this.#tree.extend(batch.map(({ leaf }) => leaf));
    const note = core.signCheckpoint(tree.size, tree.root(), this.signers);
    await this.store.transaction(async (run) => {
      let from = 0;
      for (let i = 1; i <= batch.length; i++) {
        if (i < batch.length && batch[i].id === batch[i - 1].id + 1) continue;
        const first = batch[from].id;
        await run('UPDATE log_entry SET log_index = id + ? WHERE id BETWEEN ? AND ?', [
          start + from - first,
          first,
          batch[i - 1].id,
        ]);
        from = i;
      }
      await run(
        `REPLACE INTO log_tile (level, idx, hashes) VALUES ${rowsOf(changed.length, 3)}`,
        changed.flatMap(({ level, index, hashes }) => [level, index, hashes]),
      );
      const at = new Date().toISOString();
      await run('INSERT INTO log_checkpoint (size, note, created_at) VALUES (?, ?, ?)', [tree.size, note, at]);
    });
    this.#tree = tree;
    const proofs = new Map();
    return {
      entries: batch,
      proof: (entry) => {
        if (proofs.size === 0) for (const [i, { id }] of batch.entries()) proofs.set(id, start + i);
        const index = proofs.get(entry.id);
        const hashes = tree.recentInclusionProof(index);
        return core.formatTlogProof({ extra: entry.entry, index, hashes, checkpoint: note });
      },
    };
  }
}

/** Frames: 4 bytes of length, then fields of 4 bytes of length and their bytes. */
function writeFrame(socket, fields) {
  const length = fields.reduce((sum, field) => sum + 4 + field.length, 0);
  const frame = Buffer.allocUnsafe(4 + length);
  let at = frame.writeUInt32BE(length, 0);
  for (const field of fields) {
    at = frame.writeUInt32BE(field.length, at);
    at += field.copy(frame, at);
  }
  socket.write(frame);
}

function onFrames(socket, handle) {
  let chunks = [];
  let size = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    for (;;) {
      if (size < 4) return;
      if (chunks[0].length < 4) chunks = [Buffer.concat(chunks)];
      const length = chunks[0].readUInt32BE(0);
      if (size < 4 + length) return;
      const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const rest = all.subarray(4 + length);
      chunks = rest.length > 0 ? [rest] : [];
      size = rest.length;
      const fields = [];
      for (let at = 4; at < 4 + length; ) {
        const end = at + 4 + all.readUInt32BE(at);
        fields.push(all.subarray(at + 4, end));
        at = end;
      }
      handle(fields);
    }
  });
}

// ---------------------------------------------------------------- sender

async function openSender(options) {
  const node = await openNode(options);
  const { keys, agreement, store, log } = node;
  const peer = options.peer;
  const party = core.trustedParty(agreement.trust, peer);
  const recognitionAgreement = contents.recognitionAgreement(agreement);
  const receipts = new core.ReceiptOpener(party.logVkey);
  const lane = { seq: 0, digest: null };
  const calls = [];
  const queue = [];
  let delivering = false;
  let sending = false;
  let stopped = false;
  await store.transaction((run) =>
    run("INSERT INTO lane (peer, direction, seq, digest, attempts) VALUES (?, 'out', 0, NULL, 0)", [peer]),
  );

  const answers = [];
  const socket = connect({
    host: '127.0.0.1',
    port: options.port,
    ...keys.tls([agreement], new Date()),
    ca: party.anchors.map(({ certificate }) => certificate.toPem()),
    checkServerIdentity: (_host, certificate) => {
      const leaf = core.Certificate.parse(certificate.raw);
      const problem = core.checkChain(leaf, party.anchors, new Date(), 'node', core.nodeUrn(peer));
      return problem ? new Error(problem.code) : undefined;
    },
  });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.setNoDelay(true);
  onFrames(socket, (fields) => answers.shift()(fields));
  const ask = (fields) =>
    new Promise((resolve) => {
      answers.push(resolve);
      writeFrame(socket, fields);
    });

  /** Build, seal, sign, one durable transaction. */
  async function sendBatch(batch) {
    const { sent, entries } = await store.transaction(async (run) => {
      const ids = batch.map(({ id }) => id);
      const rows = await run(
        `SELECT id, dossier_id, kind, number, peer, state, version, data FROM transfer WHERE id IN (${list(ids.length)})${store.lock}`,
        ids,
      );
      const evidence = await run(`SELECT * FROM evidence WHERE transfer_id IN (${list(ids.length)})`, ids);
      const done = await run(
        `SELECT request FROM idempotency WHERE person_id = ? AND idem_key IN (${list(ids.length)})`,
        [options.person, ...ids],
      );
      await run(`SELECT seq, digest FROM lane WHERE peer = ? AND direction = 'out'${store.lock}`, [peer]);
      if (done.length > 0 || evidence.length > 0) throw new Error('not a fresh draft');
      const byId = new Map(rows.map((row) => [row.id, row]));
      const made = batch.map((call) => ({ ...call, ...prepare(byId.get(call.id)) }));
      const at = new Date().toISOString();
      await run(
        `UPDATE transfer SET state = 'SENT', delivery = 'queued', refusal = NULL, version = version + 1, bundle_digest = CASE id ${'WHEN ? THEN ? '.repeat(made.length)}END, jti = CASE id ${'WHEN ? THEN ? '.repeat(made.length)}END, updated_at = ? WHERE id IN (${list(made.length)})`,
        [
          ...made.flatMap((one) => [one.id, one.sealed.digest]),
          ...made.flatMap((one) => [one.id, one.jti]),
          at,
          ...ids,
        ],
      );
      await run(
        `INSERT INTO bundle (digest, transfer_id, manifest, signature, transfer_json, custody_json, recognition_json, created_at) VALUES ${rowsOf(made.length, 8)}`,
        made.flatMap(({ id, sealed, content }) => [
          sealed.digest,
          id,
          sealed.manifest,
          sealed.signature,
          ...content,
          at,
        ]),
      );
      await run(
        `INSERT INTO outbox (jti, peer, seq, transfer_id, envelope, digest, state, created_at) VALUES ${rowsOf(made.length, 8)}`,
        made.flatMap(({ jti, seq, id, envelope, digest }) => [jti, peer, seq, id, envelope, digest, 'queued', at]),
      );
      await run(
        `INSERT INTO idempotency (person_id, idem_key, request, transfer_id, created_at) VALUES ${rowsOf(made.length, 5)}`,
        made.flatMap(({ id, request }) => [options.person, id, request, id, at]),
      );
      await run("UPDATE lane SET seq = ?, digest = ? WHERE peer = ? AND direction = 'out'", [
        lane.seq,
        lane.digest,
        peer,
      ]);
      const events = made.map(({ id, dossier, jti, seq, digest, sealed }) => ({
        event: 'transfer.sent',
        subject: { dossier, envelope: digest, jti, manifest: sealed.digest, peer, seq, transfer: id },
      }));
      return { sent: made, entries: await log.append(run, events) };
    });
    log.committed(entries);
    queue.push(...sent);
    if (!delivering) void deliver();
  }

  function prepare(row) {
    const at = new Date();
    const draft = {
      id: row.id,
      dossierId: row.dossier_id,
      kind: row.kind,
      number: row.number,
      peer: row.peer,
      data: JSON.parse(row.data),
    };
    const transfer = contents.composeTransfer(draft, [], agreement, options.node, { of: () => undefined }, at);
    const decision = evaluateRecognition({
      transfer,
      agreement: recognitionAgreement,
      manifest: {},
      at: at.toISOString(),
      catalogue,
      registers,
    });
    const files = contents.bundleFiles(transfer, decision, [], at.toISOString(), null);
    const sealed = core.sealBundle(files, keys.seals[0], at);
    const seconds = Math.floor(at.getTime() / 1000);
    const claims = {
      iss: options.node,
      aud: peer,
      jti: core.uuidv7(at.getTime(), randomBytes(10)),
      iat: seconds,
      exp: seconds + 86_400,
      kind: 'transfer',
      dossier: row.dossier_id,
      transfer: row.id,
      seq: ++lane.seq,
      prev: lane.digest,
      agreement: agreement.ref,
      bundle: { manifest: sealed.digest, files: [] },
      body: { transferKind: row.kind, number: row.number, message: { command: 'send', at: at.toISOString() } },
    };
    const envelope = core.signEnvelope(claims, keys.nodes[0]);
    const bytes = Buffer.from(envelope);
    const digest = core.digestOf(bytes);
    lane.digest = digest;
    const request = core.digestOf(Buffer.from(JSON.stringify([row.id, []])));
    const content = files.map((file) => file.content);
    const { jti, seq, dossier } = claims;
    return { sealed, envelope, bytes, digest, jti, seq, dossier, content, request };
  }

  /**
   * Frames go over the one connection, batch after batch; a receipt counts once it is verified and durable. As in a
   * node, the next batch is at the peer while the receipts of this one are made durable.
   */
  async function deliver() {
    delivering = true;
    let settling = Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      const answer = await ask(
        batch.flatMap(({ bytes, sealed, content }) => [bytes, sealed.manifest, sealed.signature, ...content]),
      );
      const receiptTexts = answer.map((bytes) => bytes.toString());
      batch.forEach((one, i) => {
        const entry = core.parseLogEntry(receipts.open(receiptTexts[i]).entry);
        if (entry.event !== 'envelope.received' || entry.subject.envelope !== one.digest) throw new Error('receipt');
      });
      await settling;
      settling = settle(batch, answer, receiptTexts);
    }
    delivering = false;
    await settling;
  }

  async function settle(batch, answer, receiptTexts) {
    const entries = await store.transaction(async (run) => {
      const at = new Date().toISOString();
      const jtis = batch.map(({ jti }) => jti);
      const ids = batch.map(({ id }) => id);
      await run(
        `UPDATE outbox SET state = 'received', receipt = CASE jti ${'WHEN ? THEN ? '.repeat(batch.length)}END, settled_at = ? WHERE jti IN (${list(batch.length)})`,
        [...batch.flatMap(({ jti }, i) => [jti, receiptTexts[i]]), at, ...jtis],
      );
      await run(
        `UPDATE transfer SET state = 'DELIVERED', delivery = 'received', version = version + 1 WHERE id IN (${list(ids.length)})`,
        ids,
      );
      return log.append(
        run,
        batch.map(({ jti }, i) => ({
          event: 'receipt.stored',
          subject: { jti, peer, receipt: core.digestOf(answer[i]) },
        })),
      );
    });
    log.committed(entries);
    for (const { resolve } of batch) resolve(true);
  }

  async function sendAll() {
    sending = true;
    await new Promise((resolve) => setImmediate(resolve));
    while (calls.length > 0) await sendBatch(calls.splice(0, maxBatch));
    sending = false;
  }

  const sequencer = (async () => {
    while (!stopped) if (!(await log.integrate())) await sleep(sequencerPauseMs);
  })();

  return {
    send: (id) =>
      new Promise((resolve) => {
        calls.push({ id, resolve });
        if (!sending) void sendAll();
      }),
    async close() {
      stopped = true;
      await sequencer;
      socket.destroy();
      await store.close();
    },
  };
}

// -------------------------------------------------------------- receiver

async function openReceiver(options) {
  const node = await openNode(options);
  const { keys, agreement, store, log } = node;
  const peer = options.peer;
  const party = core.trustedParty(agreement.trust, peer);
  const recognitionAgreement = contents.recognitionAgreement(agreement);
  const lane = { seq: 0, digest: null };
  await store.transaction((run) =>
    run("INSERT INTO lane (peer, direction, seq, digest, attempts) VALUES (?, 'in', 0, NULL, 0)", [peer]),
  );

  function check([bytes, manifest, signature, ...content]) {
    const jws = bytes.toString('latin1');
    const envelope = core.parseEnvelope(jws);
    const { claims } = envelope;
    core.verifyEnvelope(envelope, agreement.trust, new Date());
    core.checkFreshness(claims, options.node, new Date());
    if (core.digestOf(manifest) !== claims.bundle.manifest) throw new Error('manifest');
    const refs = new Map(core.parseManifest(manifest).map((ref) => [ref.name, ref.digest]));
    const issuedAt = new Date(claims.iat * 1000);
    const seal = core.verifySeal(manifest, signature, party.anchors, issuedAt, core.sealUrn(peer));
    if (seal.problem) throw new Error(seal.problem.code);
    parts.forEach((name, i) => {
      if (refs.get(name) !== core.digestOf(content[i])) throw new Error(name);
    });
    const transfer = parseTransferData(content[0]);
    if (transfer.id !== claims.transfer || transfer.dossier !== claims.dossier) throw new Error('other transfer');
    const decision = evaluateRecognition({
      transfer,
      agreement: recognitionAgreement,
      manifest: {},
      at: new Date().toISOString(),
      catalogue,
      registers,
    });
    const recognition = core.canonicalJson(decision);
    const report = core.digestOf(recognition);
    return { jws, envelope, claims, manifest, signature, content, transfer, decision, recognition, report };
  }

  async function receive(fields) {
    const checked = [];
    for (let i = 0; i < fields.length; i += 6) checked.push(check(fields.slice(i, i + 6)));
    const entries = await store.transaction(async (run) => {
      await run(`SELECT seq, digest FROM lane WHERE peer = ? AND direction = 'in'${store.lock}`, [peer]);
      const marks = list(checked.length);
      const known = await run(
        `SELECT jti FROM inbox WHERE jti IN (${marks})`,
        checked.map(({ claims }) => claims.jti),
      );
      const taken = await run(
        `SELECT id FROM transfer WHERE id IN (${marks})`,
        checked.map(({ claims }) => claims.transfer),
      );
      if (known.length > 0 || taken.length > 0) throw new Error('seen before');
      for (const { claims, envelope } of checked) {
        if (claims.seq !== lane.seq + 1 || claims.prev !== lane.digest) throw new Error('chain');
        lane.seq = claims.seq;
        lane.digest = envelope.digest;
      }
      const logged = await log.append(
        run,
        checked.map(({ claims, envelope, decision, report }) => ({
          event: 'envelope.received',
          subject: {
            agreement: claims.agreement,
            degree: 'verified',
            dossier: claims.dossier,
            envelope: envelope.digest,
            jti: claims.jti,
            kind: claims.kind,
            manifest: claims.bundle.manifest,
            outcome: decision.outcome,
            peer,
            report,
            seq: claims.seq,
            transfer: claims.transfer,
          },
        })),
      );
      const at = new Date().toISOString();
      await run(
        `INSERT INTO inbox (jti, peer, seq, envelope, digest, log_id, received_at) VALUES ${rowsOf(checked.length, 7)}`,
        checked.flatMap(({ claims, jws, envelope }, i) => [
          claims.jti,
          peer,
          claims.seq,
          jws,
          envelope.digest,
          logged[i].id,
          at,
        ]),
      );
      await run(
        `INSERT INTO transfer (id, direction, kind, dossier_id, number, title, peer, state, delivery, version, recognition, bundle_digest, jti, created_at, updated_at) VALUES ${rowsOf(checked.length, 15)}`,
        checked.flatMap(({ claims, transfer, recognition }) => [
          claims.transfer,
          'in',
          transfer.kind,
          claims.dossier,
          transfer.number,
          transfer.cause,
          peer,
          'DELIVERED',
          'received',
          1,
          recognition.toString(),
          claims.bundle.manifest,
          claims.jti,
          at,
          at,
        ]),
      );
      await run(
        `INSERT INTO bundle (digest, transfer_id, manifest, signature, transfer_json, custody_json, recognition_json, created_at) VALUES ${rowsOf(checked.length, 8)}`,
        checked.flatMap(({ claims, manifest, signature, content }) => [
          claims.bundle.manifest,
          claims.transfer,
          manifest,
          signature,
          ...content,
          at,
        ]),
      );
      await run("UPDATE lane SET seq = ?, digest = ? WHERE peer = ? AND direction = 'in'", [
        lane.seq,
        lane.digest,
        peer,
      ]);
      return logged;
    });
    log.committed(entries);
    const batch = await log.integrate();
    return entries.map((entry) => Buffer.from(batch.proof(entry)));
  }

  const server = createServer({
    ...keys.tls([agreement], new Date()),
    ca: party.anchors.map(({ certificate }) => certificate.toPem()),
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const leaf = core.Certificate.parse(socket.getPeerCertificate().raw);
    if (core.checkChain(leaf, party.anchors, new Date(), 'node', core.nodeUrn(peer))) return socket.destroy();
    onFrames(socket, (fields) => {
      receive(fields).then(
        (receipts) => writeFrame(socket, receipts),
        (error) => {
          console.error(error);
          socket.destroy();
        },
      );
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, close: () => store.close() };
}

let opened;
serveParent({
  async receiver(options) {
    opened = await openReceiver(options);
    return { port: opened.port };
  },
  async sender(options) {
    opened = await openSender(options);
  },
  load({ ids, ...rest }) {
    let next = 0;
    return runLoad({
      ...rest,
      operation: async () => {
        const id = ids[next++];
        return id === undefined ? false : opened.send(id);
      },
    });
  },
  async stop() {
    await opened?.close();
    process.exit(0);
  },
});
