import type { Text } from '../words';
import { type Cli, need, Stop } from './command';
import { pathOf, readBounded } from './files';

const maxSecretBytes = 4_096;

/**
 * A passphrase or password: the file's first line, without the newline that editors add.
 * @throws Stop when it is empty
 */
export function secretFrom(path: string): string {
  const [line = ''] = readBounded(path, maxSecretBytes, 'VALIDATION_FAILED').toString('utf8').split(/\r?\n/);
  if (line === '') throw new Stop({ zh: '{path} 的第一行是空的', en: 'The first line of {path} is empty' }, { path });
  return line;
}

/** A secret that exists: from a file, or typed without being shown. @throws UsageError where nobody can be asked */
export async function givenSecret(cli: Cli, file: string | undefined, option: string, question: Text): Promise<string> {
  if (file !== undefined) return secretFrom(pathOf(cli, file));
  if (!cli.terminal.interactive) need(file, option);
  return cli.terminal.askHidden(cli.terminal.say(question));
}

/** A secret that a person chooses: typed twice, since it is not shown. @throws UsageError, Stop */
export async function newSecret(cli: Cli, file: string | undefined, option: string, question: Text): Promise<string> {
  const first = await givenSecret(cli, file, option, question);
  if (file !== undefined) return first;
  const second = await cli.terminal.askHidden(cli.terminal.say({ zh: '再输一遍：', en: 'Again: ' }));
  if (first !== second) throw new Stop({ zh: '两次输入不一致', en: 'The two differ' });
  return first;
}
