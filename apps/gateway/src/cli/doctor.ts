import { hasCode } from '@jieqiao/core';
import { numberPatterns } from '@jieqiao/exchange';
import { configExitCode, type NodeConfig } from '@jieqiao/platform';
import { type Cli, command } from './command';
import { pathOf, writeWhole } from './files';
import { rootKeysHere } from './key';
import { clockOf, configOf, configOption } from './node';
import { lacksConfig } from './report-error';

export const doctor = command({
  name: 'doctor',
  summary: {
    zh: '逐项检查节点：设置、磁盘、密钥、证书、数据库、日志、协议、各对端；说明原因和办法',
    en: 'Check everything a node needs: settings, disk, keys, database, log, agreements, peers; with cause and remedy',
  },
  options: {
    report: {
      value: 'FILE',
      about: {
        zh: '把结果存成 JSON，不含任何密钥和口令，可以交给别人看',
        en: 'save the result as JSON, without any secret, for somebody who helps',
      },
    },
    json: { about: { zh: '以 JSON 输出', en: 'print JSON' } },
    ...configOption,
  },
  notes: {
    zh: '节点运行或停止时都可执行。退出码：0 没有异常（可以有注意），1 有异常，78 设置有误。',
    en: 'With the node running or stopped. Exit code: 0 nothing wrong (warnings allowed), 1 something is, 78 bad settings.',
  },
  async run(given, _operands, cli) {
    const { terminal } = cli;
    const { diagnose, diagnoseConfig, worstOf } = require('../doctor/doctor') as typeof import('../doctor/doctor');
    const { reportOf, showDiagnosis } = require('../doctor/report') as typeof import('../doctor/report');
    const { config, now, problems } = settingsOf(cli, given.config);
    const diagnosis = config ? await diagnose(config, now, rootKeysHere) : diagnoseConfig(problems, now);
    const report = reportOf(diagnosis, config);
    if (given.report !== undefined)
      writeWhole(pathOf(cli, given.report), `${JSON.stringify(report, null, 2)}\n`, 0o600);
    if (given.json) terminal.json(report);
    else {
      showDiagnosis(terminal, diagnosis);
      if (given.report !== undefined) {
        terminal.line(terminal.say({ zh: '已存：{file}', en: 'Saved: {file}' }, { file: pathOf(cli, given.report) }));
      }
    }
    if (config === null) return configExitCode;
    return worstOf(diagnosis.findings) === 'wrong' ? 1 : 0;
  },
});

interface Settings {
  config: NodeConfig | null;
  now: () => Date;
  problems: readonly string[];
}

/** Wrong settings are a finding here, like everything else that is wrong. */
function settingsOf(cli: Cli, file: string | undefined): Settings {
  try {
    const config = configOf(cli, file);
    const { problems } = numberPatterns(config.numbers);
    return { config: problems.length > 0 ? null : config, now: clockOf(cli, config), problems };
  } catch (error) {
    if (!hasCode(error, 'CONFIG_INVALID') || lacksConfig(error) || !Array.isArray(error.params.problems)) throw error;
    return { config: null, now: cli.around.now, problems: error.params.problems };
  }
}
