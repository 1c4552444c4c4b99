import { GatewayError } from '@jieqiao/core';

/** The nine roles of people at a node. */
export const roles = {
  handler: { zh: '承办人', en: 'Handling officer' },
  'squad-lead': { zh: '中队负责人', en: 'Squad leader' },
  'legal-reviewer': { zh: '法制审核', en: 'Legal reviewer' },
  head: { zh: '机关负责人', en: 'Head of the authority' },
  'seal-keeper': { zh: '印章管理', en: 'Seal keeper' },
  clerk: { zh: '收文', en: 'Receiving clerk' },
  supervisor: { zh: '执法监督', en: 'Enforcement supervisor' },
  administrator: { zh: '系统管理员', en: 'System administrator' },
  'security-auditor': { zh: '安全审计', en: 'Security auditor' },
} as const satisfies Record<string, { zh: string; en: string }>;

export type Role = keyof typeof roles;

export function isRole(value: unknown): value is Role {
  return typeof value === 'string' && Object.hasOwn(roles, value);
}

export const casework = [
  'handler',
  'squad-lead',
  'legal-reviewer',
  'head',
  'seal-keeper',
  'clerk',
] as const satisfies readonly Role[];
/** Supervisors read content for a stated reason only: `sightOf`. */
const readers = [...casework, 'supervisor'] as const;
const onlookers = [...readers, 'security-auditor'] as const;

/**
 * The one place that says who may do what. Administrators and security auditors keep the machine and the log: they
 * see no content of any case. Whether it is this person's matter, `scope.ts` says.
 */
export const permissions = {
  'transfer.create': ['handler'],
  'transfer.edit': ['handler'],
  // Which commands, the table of transitions says (exchange/src/transfer/lifecycle.ts).
  'transfer.command': casework,
  'transfer.findings': ['handler', 'legal-reviewer'],
  'evidence.decide': ['legal-reviewer'],
  'transfer.list': onlookers,
  'transfer.read': readers,
  'transfer.check': readers,
  'clock.list': readers,
  /** Of their own roles. */
  'reminder.list': readers,
  'reminder.acknowledge': readers,
  'supervision.list': ['supervisor', 'head', 'squad-lead'],
  'supervision.close': ['supervisor'],
  'number.issue': ['handler', 'seal-keeper'],
  'number.void': ['handler', 'seal-keeper'],
  'number.list': readers,
  'evidence.add': ['handler'],
  'evidence.remove': ['handler'],
  'evidence.read': readers,
  'bundle.export': readers,
  'envelope.read': onlookers,
  'receipt.read': onlookers,
  'personal-data.reveal': ['handler', 'squad-lead', 'legal-reviewer', 'head'],
  'agreement.read': [...onlookers, 'administrator'],
  'peer.read': ['administrator', 'security-auditor'],
  'peer.test': ['administrator'],
  'agreement.import': ['administrator'],
  'log.read': ['supervisor', 'security-auditor'],
  'node.metrics': ['administrator', 'security-auditor'],
} as const satisfies Record<string, readonly Role[]>;

/** Whoever has roles: a `Person`. */
interface RoleHolder {
  roles: readonly Role[];
}

export type Permission = keyof typeof permissions;

export function isPermitted(person: RoleHolder, permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return person.roles.some((role) => allowed.includes(role));
}

/** @throws FORBIDDEN {permission} */
export function requirePermission(person: RoleHolder, permission: Permission): void {
  if (!isPermitted(person, permission)) throw new GatewayError('FORBIDDEN', { permission });
}
