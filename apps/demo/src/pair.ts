import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type DemoPerson, type NodeSpec, prepareNodes, writeWhole } from './nodes';
import { samplesDir } from './scenario';
import type { Language } from './screen';

type Text = Readonly<Record<Language, string>>;

interface Place {
  node: string;
  folder: string;
  name: Text;
  authority: Text;
  unit: string;
  /** Taken when they are free at the first start, so that most people see the same addresses. */
  usualPorts: NodeSpec['ports'];
  certNo: string;
}

/** The two sides of the provincial line, Pinghu in Zhejiang and Jinshan in Shanghai. */
export const places: readonly Place[] = [
  {
    node: 'pinghu.330482',
    folder: 'pinghu',
    name: { zh: '平湖', en: 'Pinghu' },
    authority: { zh: '平湖市综合行政执法局', en: 'Pinghu Bureau of Comprehensive Enforcement, Zhejiang' },
    unit: '新埭中队',
    usualPorts: { http: 8482, grpc: 9482, blobs: 9483 },
    certNo: '33048200001',
  },
  {
    node: 'jinshan.310116',
    folder: 'jinshan',
    name: { zh: '金山', en: 'Jinshan' },
    authority: { zh: '上海市金山区城市管理行政执法局', en: 'Jinshan Bureau of Urban Management, Shanghai' },
    unit: '枫泾镇综合行政执法队',
    usualPorts: { http: 8116, grpc: 9116, blobs: 9117 },
    certNo: '31011600001',
  },
];

export const placeOf = (node: string): Place => places.find((place) => place.node === node)!;

interface Account {
  login: string;
  role: string;
  /** People of a demonstration have no names. */
  name: string;
  title: Text;
}

export const accounts: readonly Account[] = [
  { login: 'handler', role: 'handler', name: '执法人员甲', title: { zh: '承办人', en: 'handling officer' } },
  { login: 'head', role: 'head', name: '机关负责人', title: { zh: '机关负责人', en: 'head of the authority' } },
  { login: 'clerk', role: 'clerk', name: '收文员', title: { zh: '收文', en: 'receiving clerk' } },
  { login: 'legal', role: 'legal-reviewer', name: '法制审核员', title: { zh: '法制审核', en: 'legal reviewer' } },
  { login: 'admin', role: 'administrator', name: '系统管理员', title: { zh: '系统管理员', en: 'administrator' } },
  { login: 'auditor', role: 'security-auditor', name: '安全审计员', title: { zh: '安全审计', en: 'security auditor' } },
];

const agreement = {
  id: 'pinghu-jinshan',
  title: '平湖金山互认协议',
  effective: { from: '2022-01-01T00:00:00.000Z', to: '2052-01-01T00:00:00.000Z' },
};

/** What a demonstration keeps about itself beside its nodes: `demo.json`. */
interface PairFile {
  schema: 'jieqiao/demo/v1';
  /** One for all accounts of both nodes, made for this data alone. */
  password: string;
  ports: Record<string, NodeSpec['ports']>;
  /** Keys, agreement and people are complete. */
  prepared: boolean;
}

export const pairFile = (dir: string): string => join(dir, 'demo.json');

/** Two nodes and their agreement in one directory. */
export class Pair {
  private constructor(
    readonly dir: string,
    readonly specs: readonly NodeSpec[],
    private readonly file: PairFile,
  ) {}

  /** Opens what is there, or chooses ports and a password for what is to be. Makes no node yet. */
  static async open(dir: string, choosePorts: () => Promise<NodeSpec['ports'][]>): Promise<Pair> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    let file: PairFile;
    if (existsSync(pairFile(dir))) file = JSON.parse(readFileSync(pairFile(dir), 'utf8')) as PairFile;
    else {
      const ports = await choosePorts();
      file = {
        schema: 'jieqiao/demo/v1',
        password: newPassword(),
        ports: Object.fromEntries(places.map(({ node }, i) => [node, ports[i]!])),
        prepared: false,
      };
      writeWhole(pairFile(dir), `${JSON.stringify(file, null, 2)}\n`);
    }
    const specs = places.map(({ node, authority, unit, folder }) => {
      return { node, authority: authority.zh, unit, dir: join(dir, folder), ports: file.ports[node]! };
    });
    return new Pair(dir, specs, file);
  }

  get password(): string {
    return this.file.password;
  }

  get prepared(): boolean {
    return this.file.prepared;
  }

  /** Keys, agreement, people: done again harmlessly when it was interrupted. */
  async prepare(signal: AbortSignal): Promise<void> {
    const terms = JSON.parse(readFileSync(join(samplesDir, 'agreement-terms.json'), 'utf8')) as Record<string, unknown>;
    await prepareNodes(this.dir, this.specs, { ...agreement, terms }, (spec) => this.people(spec), signal);
    this.file.prepared = true;
    writeWhole(pairFile(this.dir), `${JSON.stringify(this.file, null, 2)}\n`);
  }

  private people({ node, unit }: NodeSpec): DemoPerson[] {
    return accounts.map(({ login, role, name }) => {
      const certificate = role === 'handler' ? { certNo: placeOf(node).certNo } : {};
      return { login, password: this.password, name, roles: [role], unit, ...certificate };
    });
  }
}

/** Letters and digits that are not mistaken for one another. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

function newPassword(): string {
  // 31 letters, 256 values: the small bias is no matter for a password of 8 letters on this machine.
  const letters = [...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return `demo-${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** The usual ports, or the next ones that are free. */
export async function usualPorts(): Promise<NodeSpec['ports'][]> {
  const chosen: NodeSpec['ports'][] = [];
  for (const place of places) {
    const { http, grpc, blobs } = place.usualPorts;
    chosen.push({ http: await freeFrom(http), grpc: await freeFrom(grpc), blobs: await freeFrom(blobs) });
  }
  return chosen;
}

async function freeFrom(first: number): Promise<number> {
  for (let port = first; port < first + 500; port += 10) if (await isFree(port)) return port;
  throw new Error(`no free port from ${first} on`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
