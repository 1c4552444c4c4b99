import { isRole, type NewPerson, type Role, roles } from '@jieqiao/access';
import { hasCode } from '@jieqiao/core';
import type { Gateway } from '../gateway';
import { command, need, Stop, UsageError } from './command';
import { readBounded } from './files';
import { configOf, configOption, withNode } from './node';
import { newSecret } from './secrets';

const maxPeopleBytes = 4 * 1024 * 1024;

/** The list of a file for `setup --people`. @throws Stop */
export function peopleIn(file: string): NewPerson[] {
  let list: unknown;
  try {
    list = JSON.parse(readBounded(file, maxPeopleBytes, 'BODY_TOO_LARGE').toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const sound =
    Array.isArray(list) &&
    list.every((p: NewPerson) => typeof p?.login === 'string' && Array.isArray(p.roles) && p.roles.every(isRole));
  if (sound) return list as NewPerson[];
  throw new Stop(
    {
      zh: '{file} 不是人员名单：须为 JSON 列表，每人有 login、password、name、roles',
      en: '{file} is no list of people: a JSON list of {login, password, name, roles, …} is needed',
    },
    { file },
  );
}

/** @returns whether the person is new; one who is there is left as they are */
export async function addPerson(gateway: Gateway, person: NewPerson): Promise<boolean> {
  try {
    await gateway.access.addPerson(person);
    return true;
  } catch (error) {
    if (!hasCode(error, 'VALIDATION_FAILED') || error.params.reason !== 'taken') throw error;
    return false;
  }
}

const roleList = Object.keys(roles) as Role[];

export const personAdd = command({
  name: 'person add',
  summary: { zh: '添加可以登录的人员', en: 'Add somebody who may sign in' },
  options: {
    login: { value: 'LOGIN', about: { zh: '用户名，小写字母和数字', en: 'lower-case letters and digits' } },
    name: { value: 'NAME', about: { zh: '姓名或岗位', en: 'name or post' } },
    role: {
      value: 'ROLE',
      many: true,
      about: {
        zh: `角色，可多次：${roleList.map((role) => `${role} ${roles[role].zh}`).join('、')}`,
        en: `may be given several times: ${roleList.join(', ')}`,
      },
    },
    'password-file': {
      value: 'FILE',
      about: {
        zh: '密码所在文件（第一行）；不给则在终端里输入',
        en: 'its first line is the password; else it is asked for',
      },
    },
    'cert-no': { value: 'NUMBER', about: { zh: '执法证号', en: 'number of the enforcement certificate' } },
    unit: { value: 'UNIT', about: { zh: '执法队伍', en: 'the squad' } },
    'qualified-since': {
      value: 'DAY',
      about: { zh: '取得法律职业资格之日（法制审核）', en: 'the day a legal reviewer qualified, YYYY-MM-DD' },
    },
    ...configOption,
  },
  async run(given, _operands, cli) {
    const login = need(given.login, 'login');
    const name = need(given.name, 'name');
    const wanted = given.role;
    if (wanted.length === 0) need(undefined, 'role');
    const unknown = wanted.filter((role) => !isRole(role));
    if (unknown.length > 0) {
      throw new UsageError({ zh: '没有这个角色：{unknown}', en: 'There is no role {unknown}' }, { unknown });
    }
    const config = configOf(cli, given.config);
    const password = await newSecret(cli, given['password-file'], 'password-file', {
      zh: '新密码（至少 10 位）：',
      en: 'New password (10 characters or more): ',
    });
    const { unit, 'cert-no': certNo, 'qualified-since': qualifiedSince } = given;
    const person = { login, password, name, roles: wanted as Role[], certNo, unit, qualifiedSince };
    const isNew = await withNode(cli, config, (gateway) => addPerson(gateway, person));
    if (!isNew)
      throw new Stop({ zh: '已有用户 {login}，没有改动', en: '{login} exists and was not changed' }, { login });
    cli.terminal.line(cli.terminal.say({ zh: '已添加 {login}', en: 'Added {login}' }, { login }));
    return 0;
  },
});
