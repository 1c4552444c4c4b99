import { GatewayError } from '@jieqiao/core';
import type { Person } from './person';

/** Why somebody wants to see what is shown for a reason only: a code of a closed list, and their own words. */
export interface StatedReason {
  code: string;
  /** 1 to 200 characters, kept in `content_access`, never in the log. */
  text: string;
}

/** A person with the reason that came with the request. */
export interface Reader extends Person {
  reason?: StatedReason;
}

/** Reasons for which a supervisor reads the content of a case. */
export const readingReasons = {
  'case-supervision': { zh: '个案监督', en: 'supervision of this case' },
  'complaint-check': { zh: '投诉举报核查', en: 'check of a complaint' },
  'file-review': { zh: '案卷评查', en: 'review of files' },
  'court-request': { zh: '司法、检察机关调阅', en: 'request by a court or the procuratorate' },
} as const satisfies Record<string, { zh: string; en: string }>;

/** Reasons for which a caseworker has a value of personal data shown in clear, or takes it out in a bundle. */
export const revealReasons = {
  'identify-person': { zh: '核对身份', en: 'to identify the person' },
  'contact-person': { zh: '联系当事人或证人', en: 'to contact a party or witness' },
  'serve-document': { zh: '送达文书', en: 'to serve a document' },
  'take-evidence': { zh: '调查取证', en: 'to take evidence' },
  'correct-record': { zh: '更正记录', en: 'to correct the record' },
} as const satisfies Record<string, { zh: string; en: string }>;

export type ReadingReason = keyof typeof readingReasons;
export type RevealReason = keyof typeof revealReasons;

/** @throws REASON_REQUIRED {reasons} when none of the list is stated */
export function requireReason<C extends string>(stated: StatedReason | undefined, list: Readonly<Record<C, unknown>>) {
  if (stated === undefined || !Object.hasOwn(list, stated.code)) {
    throw new GatewayError('REASON_REQUIRED', { reasons: Object.keys(list) });
  }
  return stated as StatedReason & { code: C };
}
