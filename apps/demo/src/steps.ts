import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaCheck } from '@jieqiao/core';
import { accounts, placeOf } from './pair';
import { samplesDir } from './scenario';

interface Text {
  zh: string;
  en: string;
}

/** What is to come of a step. States are those of both nodes once everything is delivered. */
export interface Expected {
  /** The node says no, and nothing changes. */
  refused?: { code: string; reason?: string; rules?: string[] };
  /** State on both sides. */
  both?: string;
  /** What the transfer shows at the node of the step, and at the other; of lists these entries, of objects these members. */
  here?: Record<string, unknown>;
  there?: Record<string, unknown>;
  /** When clocks end, by id, at the node of the step and at the other: a Chinese day, or day and time where hours count. */
  due?: Record<string, string>;
  dueThere?: Record<string, string>;
  /** Clocks that the other side does not see. */
  thereWithout?: string[];
  /** What the rules say: of `check`. Evidence by the sample's ids. */
  outcome?: string;
  rules?: Record<string, string>;
  proposals?: Record<string, string>;
  /** What was decided on evidence, by the sample's ids; `*` speaks for all. */
  levels?: Record<string, string>;
  /** Laws, perhaps with article, on which a direction of the agreement rests: of `basis`. */
  laws?: string[];
  /** Of a joint operation. */
  operation?: Record<string, unknown>;
  transfers?: number;
  statistics?: Record<string, number>;
}

export interface Step {
  /** Chinese day and time, `2022-09-30 10:00`. */
  at: string;
  node: string;
  /** Login of who does it. */
  by: string;
  /** A command of the transfer's life, or what else people do with a node. */
  do: string;
  /** Which transfer of the sample: `main` when absent. */
  on?: string;
  /** Times in it are Chinese, as `at`. */
  data?: Record<string, unknown>;
  /** Rules whose request for supplements the officer has seen. */
  acknowledge?: string[];
  /** Name under which the sample's steps speak of an entry of the filing register. */
  filing?: string;
  say?: Text;
  expect?: Expected;
}

/** A sample as people live through it. */
export interface Script {
  name: string;
  /** In words, and the states at the end: of each transfer at the sender and at the receiver. */
  end: Text & { states: Record<string, [string, string]> };
  steps: readonly Step[];
}

const word = { type: 'string', minLength: 1, maxLength: 400 };
const time = { type: 'string', pattern: '^20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]$' };
const map = (values: object) => ({ type: 'object', additionalProperties: values });
const anything = { type: 'object' };
const text = {
  type: 'object',
  properties: { zh: word, en: word },
  required: ['zh', 'en'],
  additionalProperties: false,
};
const list = { type: 'array', items: word };
const expected = {
  type: 'object',
  properties: {
    refused: {
      type: 'object',
      properties: { code: word, reason: word, rules: list },
      required: ['code'],
      additionalProperties: false,
    },
    both: word,
    here: anything,
    there: anything,
    due: map(word),
    dueThere: map(word),
    thereWithout: list,
    outcome: word,
    rules: map(word),
    proposals: map(word),
    levels: map(word),
    laws: list,
    operation: anything,
    transfers: { type: 'integer' },
    statistics: map({ type: 'integer' }),
  },
  additionalProperties: false,
};
const check = schemaCheck<Omit<Script, 'name'>>(
  {
    type: 'object',
    properties: {
      end: {
        type: 'object',
        properties: { zh: word, en: word, states: map({ type: 'array', items: word, minItems: 2, maxItems: 2 }) },
        required: ['zh', 'en', 'states'],
        additionalProperties: false,
      },
      steps: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            at: time,
            node: word,
            by: { enum: accounts.map(({ login }) => login) },
            do: word,
            on: word,
            data: anything,
            acknowledge: list,
            filing: word,
            say: text,
            expect: expected,
          },
          required: ['at', 'node', 'by', 'do'],
          additionalProperties: false,
        },
      },
    },
    required: ['end', 'steps'],
    additionalProperties: false,
  },
  'VALIDATION_FAILED',
);

/** `test/samples/<name>.steps.json`. @throws GatewayError VALIDATION_FAILED {pointer}; Error for times that run back */
export function readScript(name: string): Script {
  const { end, steps } = check(JSON.parse(readFileSync(join(samplesDir, `${name}.steps.json`), 'utf8')));
  for (const [i, step] of steps.entries()) {
    placeOf(step.node);
    const before = steps[i - 1];
    if (before && before.at > step.at) throw new Error(`${name}: step ${i} at ${step.at} comes after ${before.at}`);
  }
  return { name, end, steps };
}

/** All steps of all samples in the order in which they happen; what falls into one minute stays as it was given. */
export function timelineOf(scripts: readonly Script[]): { script: Script; index: number; step: Step }[] {
  return scripts
    .flatMap((script) => script.steps.map((step, index) => ({ script, index, step })))
    .sort((a, b) => (a.step.at < b.step.at ? -1 : a.step.at > b.step.at ? 1 : 0));
}
