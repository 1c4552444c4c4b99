import type { EvidenceKind } from './transfer-data';

/** Words for codes that catalogues and decisions share. For display, never for decisions. */

export type Language = 'zh' | 'en';
export type Words = Readonly<Record<Language, string>>;

export const evidenceKindWords: Readonly<Record<EvidenceKind, Words>> = {
  documentary: { zh: '书证', en: 'documentary evidence' },
  physical: { zh: '物证', en: 'physical evidence' },
  'audio-visual': { zh: '视听资料', en: 'audio-visual material' },
  'electronic-data': { zh: '电子数据', en: 'electronic data' },
  'witness-testimony': { zh: '证人证言', en: 'witness testimony' },
  'party-statement': { zh: '当事人的陈述', en: "party's statement" },
  'expert-opinion': { zh: '鉴定意见', en: 'expert opinion' },
  'inspection-record': { zh: '勘验笔录、现场笔录', en: 'record of inspection or of the scene' },
};

/** Whom an article names, what a party is. */
export const actorWords = {
  any: { zh: '单位和个人', en: 'anyone' },
  person: { zh: '个人', en: 'person' },
  organisation: { zh: '单位', en: 'organisation' },
  'construction-unit': { zh: '工程施工单位', en: 'construction contractor' },
  producer: { zh: '产生单位', en: 'producer' },
  haulier: { zh: '从事运输者', en: 'haulier' },
  organiser: { zh: '利用或组织者', en: 'organiser' },
  vessel: { zh: '船舶', en: 'vessel' },
  'responsible-person': { zh: '直接负责的主管人员和其他直接责任人员', en: 'persons directly responsible' },
} as const satisfies Readonly<Record<string, Words>>;
