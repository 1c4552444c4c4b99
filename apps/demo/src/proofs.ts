import { createHash, randomInt } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, parseLogEntry, parseTlogProof } from '@jieqiao/core';
import { describeOutcome, type RecognitionDecision } from '@jieqiao/recognition';
import type { ApiClient } from './api-client';
import {
  type Artefacts,
  artefactsIn,
  fetchSealed,
  runOpenssl,
  runVerifier,
  type Sealed,
  writeArtefacts,
} from './artefacts';
import { differences, type ExpectedDecision } from './expectation';
import { placeOf } from './pair';
import { evidenceFile, findByNumber, type Scenario, type TransferAnswer } from './scenario';
import type { Screen } from './screen';

/** Those who ask, and what they have been told. */
export interface Sides {
  officer: ApiClient;
  clerk: ApiClient;
  sent: TransferAnswer;
  received: TransferAnswer;
  /** Does what was done last at the sender again, in the same words. */
  repeat: () => Promise<unknown>;
}

/** A transfer that has just been sent, looked at from every side: by its bytes, its receipt, and other people's tools. */
export class Proofs {
  private failed = 0;

  constructor(
    private readonly agreementDir: string,
    private readonly scenario: Scenario,
    private readonly folder: string,
    private readonly screen: Screen,
  ) {}

  /** @returns whether all came out as expected */
  async check(sides: Sides): Promise<boolean> {
    const { officer, clerk, sent, received } = sides;
    this.checkMessage(sent, received);
    this.checkDecisions(sent, received);
    await this.checkFiles(clerk, received);
    const files = artefactsIn(this.folder, this.scenario.scenario);
    const mine = await fetchSealed(officer, sent.id);
    await writeArtefacts(files, mine, this.agreementDir, this.scenario.transfer.from.node);
    this.checkSameOnBothSides(mine, await fetchSealed(clerk, received.id));
    this.checkReceipt(mine, sent);
    await this.checkRepeated(sides);
    await this.checkWithTools(files, mine);
    return this.failed === 0;
  }

  private checkMessage(sent: TransferAnswer, received: TransferAnswer): void {
    const problems: string[] = [];
    const expect = (what: string, actual: unknown, expected: unknown) => {
      if (actual !== expected) problems.push(`${what}: ${String(actual)} ≠ ${String(expected)}`);
    };
    expect('sender delivery', sent.delivery.state, 'received');
    expect('receipt degree', sent.receipt?.degree, 'verified');
    for (const field of ['kind', 'number', 'dossier'] as const) expect(field, received[field], sent[field]);
    expect('envelope', received.envelope?.digest, sent.envelope?.digest);
    this.tell(
      this.screen.say('发送方存有回执，两侧说的是同一份', 'The receipt is kept; both sides speak of the same'),
      problems,
    );
  }

  private checkDecisions(sent: TransferAnswer, received: TransferAnswer): void {
    const { screen, scenario } = this;
    const byName = new Map(scenario.transfer.evidence.map(({ fileName, id }) => [fileName, id]));
    // Rules speak of evidence by the sender's ids, at the receiver too: those are the sealed ones.
    const sampleIds = new Map(sent.evidence.map(({ id, fileName }) => [id, byName.get(fileName) ?? fileName]));
    // A case does not leave before a legal reviewer has cleared it.
    const cleared = scenario.transfer.kind === 'CASE' ? ['R20'] : [];
    const live = (side: ExpectedDecision) => ({ ...side, passed: [...side.passed, ...cleared] });
    const [sender, receiver] = [live(scenario.expected.sender), live(scenario.expected.receiver)];
    const found = ({ outcome, findings }: typeof sender) => {
      const word = describeOutcome(outcome as RecognitionDecision['outcome'], screen.language);
      const rules = [...new Set(findings.map(({ rule }) => rule))].sort().join(' ');
      return rules === '' ? word : screen.say(`${word}（${rules}）`, `${word} (${rules})`);
    };
    this.tell(
      screen.say(`发送方规则：${found(sender)}，逐条相符`, `Sender’s rules: ${found(sender)}, rule by rule`),
      differences(sender, sent.recognition, sampleIds),
    );
    this.tell(
      screen.say(`接收方规则：${found(receiver)}，逐条相符`, `Receiver’s rules: ${found(receiver)}, rule by rule`),
      differences(receiver, received.recognition, sampleIds),
    );
  }

  private async checkFiles(clerk: ApiClient, received: TransferAnswer): Promise<void> {
    const { screen, scenario } = this;
    const expected = new Map(
      scenario.transfer.evidence.map(({ id, fileName }) => [fileName, readFileSync(evidenceFile(scenario, id))]),
    );
    const problems: string[] = [];
    for (const { id, fileName } of received.evidence) {
      const original = expected.get(fileName);
      expected.delete(fileName);
      const arrived = await clerk.download(`/transfers/${received.id}/evidence/${id}/content`);
      if (!original) problems.push(`${fileName}: unexpected`);
      else if (!original.equals(arrived)) problems.push(`${fileName}: ${sha256(arrived)} ≠ ${sha256(original)}`);
    }
    for (const fileName of expected.keys()) problems.push(`${fileName}: missing`);
    const count = scenario.transfer.evidence.length;
    this.tell(
      screen.say(`接收方的 ${count} 件证据与原件逐字节相同`, `All ${count} files are at the receiver, byte for byte`),
      problems,
    );
  }

  private checkSameOnBothSides(mine: Sealed, theirs: Sealed): void {
    const problems = (['bundle', 'envelope', 'receipt'] as const)
      .filter((part) => !mine[part].equals(theirs[part]))
      .map((part) => `${part}: ${sha256(mine[part])} ≠ ${sha256(theirs[part])}`);
    this.tell(
      this.screen.say(
        '证据包、信封、回执在两侧逐字节相同',
        'Bundle, envelope and receipt are the same bytes on both sides',
      ),
      problems,
    );
  }

  private checkReceipt({ envelope, receipt }: Sealed, sent: TransferAnswer): void {
    const { screen, scenario } = this;
    const { to, from } = scenario.transfer;
    const entry = parseLogEntry(parseTlogProof(receipt).extra!);
    const says: Record<string, unknown> = { event: entry.event, node: entry.node, ...entry.subject };
    const expected: Record<string, unknown> = {
      event: 'envelope.received',
      node: to.node,
      peer: from.node,
      envelope: digestOf(envelope),
      jti: sent.envelope?.jti,
      transfer: sent.id,
      dossier: sent.dossier,
      degree: 'verified',
      outcome: scenario.expected.receiver.outcome,
    };
    const problems = Object.keys(expected)
      .filter((field) => says[field] !== expected[field])
      .map((field) => `${field}: ${String(says[field])} ≠ ${String(expected[field])}`);
    const receiver = placeOf(to.node).name[screen.language];
    this.tell(
      screen.say(
        `回执是${receiver}存证日志的记录，写明这个信封和规则结果`,
        `The receipt is ${receiver}’s log entry on this envelope and the rules’ outcome`,
      ),
      problems,
    );
  }

  private async checkRepeated({ officer, clerk, sent, repeat }: Sides): Promise<void> {
    const { number } = this.scenario.transfer;
    await repeat();
    const again = await officer.get<TransferAnswer>(`/transfers/${sent.id}`);
    const arrived = await findByNumber(clerk, 'in', number);
    this.tell(this.screen.say('同一发送再来一次：没有第二份', 'The same send again makes no second transfer'), [
      ...(again.envelope?.jti === sent.envelope?.jti ? [] : ['a new envelope was made']),
      ...(arrived.length === 1 ? [] : [`${arrived.length} at the receiver`]),
    ]);
  }

  private async checkWithTools(files: Artefacts, { bundle }: Sealed): Promise<void> {
    const { screen } = this;
    const { code, verdicts } = await runVerifier(files);
    const said = verdicts.map(({ kind, verdict }) => `${kind} ${verdict}`).join(', ');
    this.tell(
      screen.say('jieqiao-verify：证据包、信封、回执 通过', 'jieqiao-verify: bundle, envelope and receipt are valid'),
      code === 0 && said === 'bundle valid, envelope valid, receipt valid' ? [] : [`exit code ${code}: ${said}`],
    );

    const tampered = `${files.bundle}.tampered`;
    const at = bundle.indexOf(Buffer.from([0xff, 0xd8, 0xff])) + randomInt(1_000, 10_000);
    const changed = Buffer.from(bundle);
    changed[at]! ^= 1;
    writeFileSync(join(files.dir, tampered), changed);
    const second = await runVerifier(files, tampered);
    rmSync(join(files.dir, tampered));
    const [verdict] = second.verdicts;
    this.tell(
      screen.say(
        '照片中改动一个比特：未通过，指出是文件摘要',
        'One bit of a photograph changed: not valid, by the file’s digest',
      ),
      second.code === 1 && verdict?.verdict === 'invalid' && verdict.failed.includes('file.digest')
        ? []
        : [`exit code ${second.code}: ${verdict?.verdict} ${verdict?.failed}`],
    );

    const openssl = await runOpenssl(files);
    if (openssl === null) {
      screen.check(
        null,
        screen.say('没有 OpenSSL 3，印章未另行核验', 'No OpenSSL 3 here: the seal was not checked with it'),
      );
    } else {
      this.tell(
        screen.say('openssl cms -verify -cades：印章成立', 'openssl cms -verify -cades: the seal holds'),
        openssl === 0 ? [] : [`exit code ${openssl}`],
      );
    }
  }

  private tell(what: string, problems: readonly string[]): void {
    if (problems.length > 0) this.failed += 1;
    this.screen.check(problems.length === 0, what, problems);
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
