import { maxAgreementBytes } from '@jieqiao/core';
import { command } from './command';
import { pathOf, readBounded } from './files';
import { configOf, configOption, withNode } from './node';
import { addPerson, peopleIn } from './people';

export const setup = command({
  name: 'setup',
  summary: {
    zh: '无人值守地导入协议和人员；重复执行不改变什么',
    en: 'Take agreements and people in unattended; done again it changes nothing',
  },
  options: {
    agreement: {
      value: 'FILE',
      many: true,
      about: { zh: '各方都已签署的协议', en: 'an agreement that all have signed' },
    },
    people: {
      value: 'FILE',
      about: {
        zh: 'JSON 列表：login、password、name、roles、certNo、unit、qualifiedSince；已有的人不动',
        en: 'a JSON list of {login, password, name, roles, certNo, unit, qualifiedSince}; who exists is left alone',
      },
    },
    ...configOption,
  },
  run(given, _operands, cli) {
    const config = configOf(cli, given.config);
    const files = given.agreement.map((file) =>
      readBounded(pathOf(cli, file), maxAgreementBytes, 'AGREEMENT_MALFORMED'),
    );
    const people = given.people === undefined ? [] : peopleIn(pathOf(cli, given.people));
    return withNode(cli, config, async (gateway) => {
      for (const file of files) {
        const { ref } = await gateway.agreements.import(file);
        cli.terminal.line(`agreement ${ref.id} version ${ref.version}`);
      }
      for (const person of people) {
        if (await addPerson(gateway, person)) cli.terminal.line(`person    ${person.login}`);
      }
      return 0;
    });
  },
});

export const serve = command({
  name: 'serve',
  summary: { zh: '运行节点，直到收到结束信号', en: 'Run the node until it is told to end' },
  notes: {
    zh: '在标准输出写 JSON 日志；出现 "message":"ready" 时人员和对端都可以连接。',
    en: 'Writes its log to standard output as JSON; with "message":"ready" people and peers can reach it.',
  },
  options: { ...configOption },
  run(given) {
    const node = require('../serve') as typeof import('../serve');
    return node.serve(given.config === undefined ? [] : ['--config', given.config]);
  },
});
