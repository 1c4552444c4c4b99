import { arch, cpus, platform, release, totalmem, uptime } from 'node:os';
import { columnsOf, type NodeConfig, pad, wrap } from '@jieqiao/platform';
import type { Colour, Terminal } from '../cli/terminal';
import { gatewayVersion } from '../gateway';
import { chinaMinute, fill, type Text } from '../words';
import { type Diagnosis, sorted } from './doctor';
import { checkOf, checkWords, type Finding, findingWords, type State, stateOf, states, stateWords } from './finding';

const colours: Readonly<Record<State, Colour>> = { wrong: 'red', warning: 'yellow', fine: 'green', unused: 'dim' };
const fixLabel: Text = { zh: '怎么办：', en: 'What to do: ' };

/** For people: what is wrong first, each with its cause and what to do; then what is fine, a line each. */
export function showDiagnosis(terminal: Terminal, { node, at, findings }: Diagnosis): void {
  const { language } = terminal;
  const title = terminal.say(
    { zh: '界桥自检  {node}  {at}（北京时间）', en: 'Jieqiao doctor  {node}  {at} (Beijing)' },
    { node: node === '' ? '—' : node, at: chinaMinute(at) },
  );
  terminal.line(terminal.paint('bold', title));
  terminal.line(terminal.paint('dim', '─'.repeat(terminal.columns)));
  const stateWidth = Math.max(...states.map((state) => columnsOf(stateWords[state][language])));
  const checkWidth = Math.max(...Object.values(checkWords).map((words) => columnsOf(words[language])));
  const indent = 2 + stateWidth + 2 + checkWidth + 2;
  const room = terminal.columns - indent;
  let last: State | null = null;
  for (const one of sorted(findings)) {
    const state = stateOf(one);
    if (last !== null && last !== state && (last === 'wrong' || last === 'warning')) terminal.line();
    last = state;
    const { mark } = stateWords[state];
    const lead = `${mark} ${pad(stateWords[state][language], stateWidth)}  `;
    const [first = '', ...rest] = wrap(whatOf(one, language), room);
    terminal.line(
      `${terminal.paint(colours[state], lead)}${pad(checkWords[checkOf(one)][language], checkWidth)}  ${first}`,
    );
    for (const line of rest) terminal.line(' '.repeat(indent) + line);
    const fix = fixOf(one, language);
    if (fix !== null) {
      for (const line of wrap(fixLabel[language] + fix, room))
        terminal.line(' '.repeat(indent) + terminal.paint('bold', line));
    }
  }
  terminal.line(terminal.paint('dim', '─'.repeat(terminal.columns)));
  const counts = states.map((state) => ({ state, count: findings.filter((one) => stateOf(one) === state).length }));
  terminal.line(
    counts
      .map(({ state, count }) =>
        terminal.paint(
          count > 0 ? colours[state] : 'dim',
          terminal.say({ zh: '{count} 项{state}', en: '{count} {state}' }, { count, state: stateWords[state] }),
        ),
      )
      .join(language === 'zh' ? '，' : ', '),
  );
}

const whatOf = ({ id, params }: Finding, language: 'zh' | 'en'): string =>
  fill(findingWords[id].what, language, params);

function fixOf({ id, params }: Finding, language: 'zh' | 'en'): string | null {
  const words = findingWords[id];
  // A fix may itself be a parameter, with parameters of its own.
  return 'fix' in words ? fill(words.fix, language, params) : null;
}

/**
 * For whoever helps from afar: the findings, the machine, the settings that are no secrets. The database's address is
 * left out with the rest of its URL; keys, passphrases and tokens are never among a finding's parameters.
 */
export function reportOf({ node, at, findings }: Diagnosis, config: NodeConfig | null): object {
  return {
    schema: 'jieqiao/doctor/v1',
    node,
    at: at.toISOString(),
    software: { jieqiao: gatewayVersion, node: process.versions.node, openssl: process.versions.openssl },
    machine: {
      platform: platform(),
      release: release(),
      arch: arch(),
      cpus: cpus().length,
      memoryMiB: Math.round(totalmem() / 1024 ** 2),
      uptimeHours: Math.round(uptime() / 3600),
    },
    settings: config === null ? null : settingsOf(config),
    findings: sorted(findings).map((one) => ({
      check: checkOf(one),
      finding: one.id,
      state: stateOf(one),
      params: one.params,
      zh: { what: whatOf(one, 'zh'), fix: fixOf(one, 'zh') },
      en: { what: whatOf(one, 'en'), fix: fixOf(one, 'en') },
    })),
  };
}

function settingsOf({
  databaseUrl,
  http,
  peer,
  limits,
  session,
  lane,
  timestamps,
  demonstration,
  log,
}: NodeConfig): object {
  return { database: databaseUrl.split(':')[0], http, peer, limits, session, lane, timestamps, demonstration, log };
}
