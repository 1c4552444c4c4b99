import { type AgreementContent, canonicalJson } from '@jieqiao/core';
import { followsTermsSchema, type TimeLimit, timeLimitKey } from './agreement-terms';

/** What a change is about. `other`: anything for which no words of its own were made. */
export type ChangeTopic =
  | 'schema'
  | 'id'
  | 'version'
  | 'previous'
  | 'title'
  | 'effective-from'
  | 'effective-to'
  | 'party'
  | 'authority'
  | 'region'
  | 'alias'
  | 'anchor'
  | 'speaker'
  | 'log-key'
  | 'endpoint-grpc'
  | 'endpoint-blobs'
  | 'validity-from'
  | 'validity-to'
  | 'successor'
  | 'time-authority'
  | 'direction'
  | 'legal-basis'
  | 'family'
  | 'transfer-kind'
  | 'item'
  | 'items'
  | 'equivalence'
  | 'evidence-kind'
  | 'evidence-level'
  | 'evidence-form'
  | 'template'
  | 'field-mapping'
  | 'time-limit'
  | 'min-officers'
  | 'limitation-years'
  | 'limitation-warning'
  | 'limitation-longer'
  | 'urgency-ground'
  | 'urgency-grounds'
  | 'redaction'
  | 'redactions'
  | 'personal-data-purpose'
  | 'personal-data-purposes'
  | 'statement-recording'
  | 'boundary-buffer'
  | 'crime-threshold'
  | 'crime-thresholds'
  | 'seizure-warning'
  | 'area'
  | 'rule-off'
  | 'rule-severity'
  | 'own-rule'
  | 'own-rule-title'
  | 'own-rule-per'
  | 'own-rule-expression'
  | 'own-rule-result'
  | 'own-rule-kind'
  | 'own-rule-kinds'
  | 'own-rule-basis'
  | 'own-rule-reason'
  | 'own-rule-remedy'
  | 'dispute-level'
  | 'retention'
  | 'statistic'
  | 'exit-notice'
  | 'exit-open-transfers'
  | 'exit-text'
  | 'contact'
  | 'review-date'
  | 'other';

export interface NamedParty {
  node: string;
  authority: string;
}

/** One difference between two versions. `before` is absent from what was added, `after` from what was removed. */
export interface AgreementChange {
  topic: ChangeTopic;
  /** `reordered`: the same entries in another order; `before` and `after` are their keys. */
  change: 'added' | 'removed' | 'changed' | 'reordered';
  /** RFC 6901, into the later text; for what was removed, into the earlier one. */
  pointer: string;
  before?: unknown;
  after?: unknown;
  /** What it belongs to. */
  party?: NamedParty;
  direction?: { from: NamedParty; to: NamedParty };
  /** The entry within: an evidence kind, a kind of transfer, a type of document, an own rule. */
  of?: string;
}

type Context = Pick<AgreementChange, 'party' | 'direction' | 'of'>;
type Json = Record<string, unknown>;

/** How to compare a member. Without a shape, or where the data doesn't fit it, differences are named by pointer. */
type Shape =
  | { kind: 'value'; topic: ChangeTopic }
  /** With a topic it appears and disappears as one; what comes with it is told too, but for what names it. */
  | { kind: 'object'; members: Readonly<Record<string, Shape>>; topic?: ChangeTopic; naming?: string[]; of?: boolean }
  | {
      kind: 'list';
      item: Shape & { topic: ChangeTopic };
      /** What makes two entries the same one. */
      keyOf: (entry: unknown) => unknown;
      /** Where the absence of the list means something, it appears and disappears under this topic, as one. */
      whole?: ChangeTopic;
      within?: (entry: Json, names: Names) => Context;
    };
type Names = (node: unknown) => NamedParty;

const value = (topic: ChangeTopic) => ({ kind: 'value', topic }) as const;
const member = (...names: string[]) => {
  return (entry: unknown) => (isObject(entry) ? names.map((name) => String(entry[name])).join(' ') : undefined);
};
const valuesOf = (topic: ChangeTopic, whole?: ChangeTopic): Shape => ({
  kind: 'list',
  item: value(topic),
  keyOf: (entry) => entry,
  whole,
});
const entriesOf = (topic: ChangeTopic, ...key: string[]): Shape & { kind: 'list' } => ({
  kind: 'list',
  item: value(topic),
  keyOf: member(...key),
});

const anchorOf = (entry: unknown) => (isObject(entry) ? entry.certificate : entry);
const speakerOf = (entry: unknown) =>
  isObject(entry) ? `${entry.use} ${entry.fingerprint ?? ''} ${entry.subject ?? ''}` : undefined;

const parties: Shape = {
  kind: 'list',
  keyOf: member('node'),
  within: ({ node }, names) => ({ party: names(node) }),
  item: {
    kind: 'object',
    topic: 'party',
    naming: ['node', 'authority'],
    members: {
      authority: value('authority'),
      region: value('region'),
      aliases: valuesOf('alias'),
      anchors: {
        kind: 'list',
        keyOf: anchorOf,
        item: {
          kind: 'object',
          topic: 'anchor',
          naming: ['certificate'],
          members: { speakers: { kind: 'list', item: value('speaker'), keyOf: speakerOf } },
        },
      },
      logVkey: value('log-key'),
      endpoints: {
        kind: 'object',
        members: { grpc: value('endpoint-grpc'), blobs: value('endpoint-blobs') },
      },
      validity: { kind: 'object', members: { from: value('validity-from'), to: value('validity-to') } },
      successor: value('successor'),
    },
  },
};

const redaction: Shape = {
  kind: 'object',
  of: true,
  members: Object.fromEntries(
    ['LEAD', 'CASE', 'ASSIST', 'EVIDENCE', 'NOTICE', 'CRIMINAL_STATUS'].map((kind) => [
      kind,
      valuesOf('redaction', 'redactions'),
    ]),
  ),
};

const parameters: Shape = {
  kind: 'object',
  members: {
    minOfficers: value('min-officers'),
    limitation: {
      kind: 'object',
      members: {
        years: value('limitation-years'),
        warnDays: value('limitation-warning'),
        longer: entriesOf('limitation-longer', 'harm'),
      },
    },
    urgencyGrounds: valuesOf('urgency-ground', 'urgency-grounds'),
    redaction,
    personalDataPurposes: valuesOf('personal-data-purpose', 'personal-data-purposes'),
    statementNeedsRecording: value('statement-recording'),
    bufferMetres: value('boundary-buffer'),
    crimeThresholds: { ...entriesOf('crime-threshold', 'measure', 'from'), whole: 'crime-thresholds' },
    seizureWarnDays: value('seizure-warning'),
  },
};

const rules: Shape = {
  kind: 'object',
  members: {
    off: valuesOf('rule-off'),
    severity: entriesOf('rule-severity', 'rule'),
    own: {
      kind: 'list',
      keyOf: member('id'),
      within: ({ id }) => ({ of: String(id) }),
      item: {
        kind: 'object',
        topic: 'own-rule',
        naming: ['id'],
        members: {
          title: value('own-rule-title'),
          per: value('own-rule-per'),
          expression: value('own-rule-expression'),
          result: value('own-rule-result'),
          kinds: valuesOf('own-rule-kind', 'own-rule-kinds'),
          basis: entriesOf('own-rule-basis', 'law', 'article'),
          reason: value('own-rule-reason'),
          remedy: value('own-rule-remedy'),
        },
      },
    },
  },
};

const directions: Shape = {
  kind: 'list',
  keyOf: member('from', 'to'),
  within: ({ from, to }, names) => ({ direction: { from: names(from), to: names(to) } }),
  item: {
    kind: 'object',
    topic: 'direction',
    naming: ['from', 'to'],
    members: {
      legalBasis: entriesOf('legal-basis', 'law', 'article'),
      families: valuesOf('family'),
      transferKinds: valuesOf('transfer-kind'),
      items: valuesOf('item', 'items'),
      equivalences: entriesOf('equivalence', 'a', 'b'),
      evidenceKinds: {
        kind: 'list',
        keyOf: member('kind'),
        within: ({ kind }) => ({ of: String(kind) }),
        item: {
          kind: 'object',
          topic: 'evidence-kind',
          naming: ['kind', 'proposed'],
          members: { proposed: value('evidence-level'), forms: entriesOf('evidence-form', 'form') },
        },
      },
      documentTemplates: {
        kind: 'list',
        keyOf: member('type'),
        within: ({ type }) => ({ of: String(type) }),
        item: {
          kind: 'object',
          topic: 'template',
          naming: ['type', 'template'],
          members: { template: value('template'), fieldMap: entriesOf('field-mapping', 'from', 'to') },
        },
      },
      timeLimits: {
        kind: 'list',
        item: value('time-limit'),
        keyOf: (entry) => (isObject(entry) ? timeLimitKey(entry as unknown as TimeLimit) : undefined),
      },
      parameters,
      rules,
    },
  },
};

const terms: Shape = {
  kind: 'object',
  members: {
    directions,
    areas: entriesOf('area', 'region'),
    parameters,
    disputeLadder: entriesOf('dispute-level', 'level'),
    retention: entriesOf('retention', 'class'),
    statistics: entriesOf('statistic', 'name'),
    exit: {
      kind: 'object',
      members: {
        noticeDays: value('exit-notice'),
        openTransfers: value('exit-open-transfers'),
        text: value('exit-text'),
      },
    },
    contacts: entriesOf('contact', 'node', 'office'),
    reviewDate: value('review-date'),
  },
};

const content: Shape & { kind: 'object' } = {
  kind: 'object',
  members: {
    schema: value('schema'),
    id: value('id'),
    version: value('version'),
    previous: value('previous'),
    title: value('title'),
    effective: { kind: 'object', members: { from: value('effective-from'), to: value('effective-to') } },
    parties,
    timeAuthorities: entriesOf('time-authority', 'name'),
    terms,
  },
};
/** Terms of another form than ours are compared member by member: words about them would guess. */
const contentOfOtherTerms: Shape = {
  kind: 'object',
  members: { ...content.members, terms: { kind: 'object', members: {} } },
};

/**
 * What a version changes, nothing left out: what no shape above knows is named by its pointer. Null before: everything
 * in the text is new. It is for people who are about to sign, so it takes texts whose terms a node would refuse, too.
 */
export function agreementDiff(before: AgreementContent | null, after: AgreementContent): AgreementChange[] {
  const known = new Map([...(before?.parties ?? []), ...after.parties].map((party) => [party.node, party]));
  const names: Names = (node) => ({ node: String(node), authority: known.get(String(node))?.authority ?? '' });
  const changes: AgreementChange[] = [];
  const ours = followsTermsSchema(after.terms) && (!before || followsTermsSchema(before.terms));
  new Comparison(changes, names).compare(ours ? content : contentOfOtherTerms, before ?? {}, after, '', {});
  // The next version always names another predecessor: its number has said so.
  const isNext = changes.some(({ topic }) => topic === 'version');
  return isNext ? changes.filter(({ topic }) => topic !== 'previous') : changes;
}

class Comparison {
  constructor(
    private readonly changes: AgreementChange[],
    private readonly names: Names,
  ) {}

  compare(shape: Shape | undefined, before: unknown, after: unknown, pointer: string, context: Context): void {
    if (same(before, after)) return;
    const told = this.changes.length;
    if (shape?.kind === 'value') this.tell(shape.topic, before, after, pointer, context);
    else if (shape?.kind === 'object') this.compareObjects(shape, before, after, pointer, context);
    else if (shape?.kind === 'list') this.compareLists(shape, before, after, pointer, context);
    // Whatever the shape did not see, such as an empty list in place of none.
    if (this.changes.length === told) this.compareAnything(before, after, pointer, context);
  }

  private compareObjects(
    shape: Shape & { kind: 'object' },
    before: unknown,
    after: unknown,
    pointer: string,
    context: Context,
  ): void {
    const appears = shape.topic !== undefined && !isObject(before);
    if (shape.topic && !(isObject(before) && isObject(after))) {
      this.tell(shape.topic, before, after, pointer, context);
      if (!isObject(after)) return;
    }
    const [old, now] = [appears ? {} : (before ?? {}), after ?? {}];
    if (!isObject(old) || !isObject(now)) return;
    for (const name of new Set([...Object.keys(shape.members), ...Object.keys(old), ...Object.keys(now)])) {
      const [then, since] = [own(old, name), own(now, name)];
      // In something new, what names it has been told, and an empty list tells nothing.
      if (appears && (shape.naming?.includes(name) || same(since, []))) continue;
      const inner = shape.of ? { ...context, of: name } : context;
      const known = Object.hasOwn(shape.members, name) ? shape.members[name] : undefined;
      this.compare(known, then, since, `${pointer}/${escapePointer(name)}`, inner);
    }
  }

  private compareLists(
    shape: Shape & { kind: 'list' },
    before: unknown,
    after: unknown,
    pointer: string,
    context: Context,
  ): void {
    if (shape.whole && (before === undefined || after === undefined)) {
      this.tell(shape.whole, before, after, pointer, context);
      return;
    }
    const old = entriesByKey(shape, before);
    const now = entriesByKey(shape, after);
    if (!old || !now) return;
    const inner = (entry: unknown): Context =>
      shape.within && isObject(entry) ? { ...context, ...shape.within(entry, this.names) } : context;
    for (const [key, [at, entry]] of old) {
      if (!now.has(key)) this.compare(shape.item, entry, undefined, `${pointer}/${at}`, inner(entry));
    }
    for (const [key, [at, entry]] of now) {
      this.compare(shape.item, old.get(key)?.[1], entry, `${pointer}/${at}`, inner(entry));
    }
    const [keptThen, keptNow] = [
      [...old.keys()].filter((key) => now.has(key)),
      [...now.keys()].filter((key) => old.has(key)),
    ];
    if (!same(keptThen, keptNow)) {
      const { topic } = shape.item;
      this.changes.push({ topic, change: 'reordered', pointer, before: keptThen, after: keptNow, ...context });
    }
  }

  private compareAnything(before: unknown, after: unknown, pointer: string, context: Context): void {
    if (same(before, after)) return;
    const bothObjects = isObject(before) && isObject(after);
    if (bothObjects || (Array.isArray(before) && Array.isArray(after))) {
      const [old, now] = [before, after] as [Json, Json];
      for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
        this.compareAnything(own(old, name), own(now, name), `${pointer}/${escapePointer(name)}`, context);
      }
    } else this.tell('other', before, after, pointer, context);
  }

  private tell(topic: ChangeTopic, before: unknown, after: unknown, pointer: string, context: Context): void {
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    const values = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
    this.changes.push({ topic, change, pointer, ...values, ...context });
  }
}

/** Null where entries cannot be told apart: then only their places can be compared. */
function entriesByKey(shape: Shape & { kind: 'list' }, entries: unknown): Map<string, [number, unknown]> | null {
  const list = entries ?? [];
  if (!Array.isArray(list)) return null;
  const byKey = new Map<string, [number, unknown]>();
  for (const [at, entry] of list.entries()) {
    const key = shape.keyOf(entry);
    if (key === undefined) return null;
    const text = typeof key === 'string' ? key : canonicalJson(key).toString();
    if (byKey.has(text)) return null;
    byKey.set(text, [at, entry]);
  }
  return byKey;
}

function isObject(entry: unknown): entry is Json {
  return typeof entry === 'object' && entry !== null && !Array.isArray(entry);
}

function own(object: Json, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && canonicalJson(a).equals(canonicalJson(b));
}

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
