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
  /** What the numbers of its enforcement certificates begin with; two digits follow. */
  certificates: string;
  /** The two who handle cases here, as the samples name them: people of a demonstration have no names. */
  handlers: readonly [string, string];
}

const pinghu: Place = {
  node: 'pinghu.330482',
  folder: 'pinghu',
  name: { zh: '平湖', en: 'Pinghu' },
  authority: { zh: '平湖市综合行政执法局', en: 'Pinghu Bureau of Comprehensive Enforcement, Zhejiang' },
  unit: '新埭中队',
  usualPorts: { http: 8482, grpc: 9482, blobs: 9483 },
  certificates: '330482000',
  handlers: ['执法人员乙', '执法人员丙'],
};
const jinshan: Place = {
  node: 'jinshan.310116',
  folder: 'jinshan',
  name: { zh: '金山', en: 'Jinshan' },
  authority: { zh: '上海市金山区城市管理行政执法局', en: 'Jinshan Bureau of Urban Management, Shanghai' },
  unit: '枫泾镇综合行政执法队',
  usualPorts: { http: 8116, grpc: 9116, blobs: 9117 },
  certificates: '310116000',
  handlers: ['执法人员甲', '执法人员乙'],
};
const jiashan: Place = {
  node: 'jiashan.330421',
  folder: 'jiashan',
  name: { zh: '嘉善', en: 'Jiashan' },
  authority: { zh: '嘉善县综合行政执法局', en: 'Jiashan Bureau of Comprehensive Enforcement, Zhejiang' },
  unit: '姚庄中队',
  usualPorts: { http: 8421, grpc: 9421, blobs: 9422 },
  certificates: '330421000',
  handlers: ['执法人员乙', '执法人员丙'],
};
const qingpu: Place = {
  node: 'qingpu.310118',
  folder: 'qingpu',
  name: { zh: '青浦', en: 'Qingpu' },
  authority: { zh: '上海市青浦区城市管理行政执法局', en: 'Qingpu Bureau of Urban Management, Shanghai' },
  unit: '金泽镇综合行政执法队',
  usualPorts: { http: 8118, grpc: 9118, blobs: 9119 },
  certificates: '310118000',
  handlers: ['执法人员甲', '执法人员乙'],
};

const allPlaces = [pinghu, jinshan, jiashan, qingpu];

export function placeOf(node: string): Place {
  const place = allPlaces.find((candidate) => candidate.node === node || candidate.folder === node);
  if (!place) throw new Error(`no such place: ${node}`);
  return place;
}

/** Two sides of the provincial line and what they have agreed. */
export interface Sides {
  id: string;
  title: string;
  places: readonly Place[];
  /** File of the terms, among the samples. */
  terms: string;
}

export const pinghuJinshan: Sides = {
  id: 'pinghu-jinshan',
  title: '平湖金山互认协议（演示）',
  places: [pinghu, jinshan],
  terms: 'agreement-terms.json',
};
export const jiashanQingpu: Sides = {
  id: 'jiashan-qingpu',
  title: '嘉善青浦互认协议（演示）',
  places: [jiashan, qingpu],
  terms: 'agreement-terms-demonstration-zone.json',
};

interface Account {
  login: string;
  role: string;
  name: string;
  title: Text;
}

/** One person for each role, and two who handle cases: nobody acts in two roles of one transfer. */
export const accounts: readonly Account[] = [
  { login: 'handler', role: 'handler', name: '', title: { zh: '承办人', en: 'handling officer' } },
  { login: 'handler2', role: 'handler', name: '', title: { zh: '承办人二', en: 'second officer' } },
  { login: 'squad', role: 'squad-lead', name: '中队负责人', title: { zh: '中队负责人', en: 'squad leader' } },
  { login: 'legal', role: 'legal-reviewer', name: '法制审核员', title: { zh: '法制审核', en: 'legal reviewer' } },
  { login: 'head', role: 'head', name: '机关负责人', title: { zh: '机关负责人', en: 'head of the authority' } },
  { login: 'seal', role: 'seal-keeper', name: '印章管理员', title: { zh: '印章管理', en: 'seal keeper' } },
  { login: 'clerk', role: 'clerk', name: '收文员', title: { zh: '收文', en: 'receiving clerk' } },
  { login: 'supervisor', role: 'supervisor', name: '执法监督员', title: { zh: '执法监督', en: 'supervisor' } },
  { login: 'admin', role: 'administrator', name: '系统管理员', title: { zh: '系统管理员', en: 'administrator' } },
  { login: 'auditor', role: 'security-auditor', name: '安全审计员', title: { zh: '安全审计', en: 'security auditor' } },
];
/** Roles whose holders have an enforcement certificate. */
const certified = ['handler', 'squad-lead', 'legal-reviewer'];

/** From before the sample cases until long after them. */
const effective = { from: '2022-01-01T00:00:00.000Z', to: '2052-01-01T00:00:00.000Z' };

/** What a demonstration keeps about itself beside its nodes: `demo.json`. */
interface PairFile {
  schema: 'jieqiao/demo/v2';
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
    private readonly sides: Sides,
    private readonly file: PairFile,
  ) {}

  /**
   * Opens what is there, or chooses ports and a password for what is to be. Makes no node yet.
   * @param clockFile the nodes play at the time that it tells
   */
  static async open(
    dir: string,
    sides: Sides,
    clockFile: string,
    choosePorts: (places: readonly Place[]) => Promise<NodeSpec['ports'][]>,
  ): Promise<Pair> {
    const { places } = sides;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    let file: PairFile;
    if (existsSync(pairFile(dir))) {
      file = JSON.parse(readFileSync(pairFile(dir), 'utf8')) as PairFile;
      if (file.schema !== 'jieqiao/demo/v2') throw new Error(`made by another version: ${file.schema}`);
    } else {
      const ports = await choosePorts(places);
      file = {
        schema: 'jieqiao/demo/v2',
        password: newPassword(),
        ports: Object.fromEntries(places.map(({ node }, i) => [node, ports[i]!])),
        prepared: false,
      };
      writeWhole(pairFile(dir), `${JSON.stringify(file, null, 2)}\n`);
    }
    const specs = places.map(({ node, authority, unit, folder }) => {
      return { node, authority: authority.zh, unit, dir: join(dir, folder), ports: file.ports[node]!, clockFile };
    });
    return new Pair(dir, specs, sides, file);
  }

  get password(): string {
    return this.file.password;
  }

  /** What the agreement says in each direction, and on which laws it rests. */
  get terms(): { directions: { from: string; to: string; legalBasis: { law: string; article: string }[] }[] } {
    return readTerms(this.sides);
  }

  get prepared(): boolean {
    return this.file.prepared;
  }

  /** Keys, agreement, people: done again harmlessly when it was interrupted. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { id, title } = this.sides;
    const terms: Record<string, unknown> = readTerms(this.sides);
    await prepareNodes(this.dir, this.specs, { id, title, effective, terms }, (spec) => this.people(spec), signal);
    this.file.prepared = true;
    writeWhole(pairFile(this.dir), `${JSON.stringify(this.file, null, 2)}\n`);
  }

  private people({ node, unit }: NodeSpec): DemoPerson[] {
    const { certificates, handlers } = placeOf(node);
    return accounts.map(({ login, role, name }, i) => ({
      login,
      password: this.password,
      name: name || handlers[i]!,
      roles: [role],
      unit,
      ...(certified.includes(role) ? { certNo: `${certificates}${String(i + 1).padStart(2, '0')}` } : {}),
      ...(role === 'legal-reviewer' ? { qualifiedSince: '2018-09-01' } : {}),
    }));
  }
}

function readTerms({ terms }: Sides) {
  return JSON.parse(readFileSync(join(samplesDir, terms), 'utf8')) as Pair['terms'] & Record<string, unknown>;
}

/** Letters and digits that are not mistaken for one another. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

function newPassword(): string {
  // 31 letters, 256 values: the small bias is no matter for a password of 8 letters on this machine.
  const letters = [...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return `demo-${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** The usual ports, or the next ones that are free. */
export async function usualPorts(places: readonly Place[]): Promise<NodeSpec['ports'][]> {
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
