import type { Text } from '../words';
import {
  agreementDiffCommand,
  agreementExport,
  agreementImport,
  agreementShow,
  agreementSign,
  agreementStatus,
} from './agreement';
import { agreementAmend, agreementNew } from './agreement-make';
import { card, cardShow } from './card';
import {
  catalogueCheck,
  catalogueDiffCommand,
  catalogueExport,
  catalogueImport,
  catalogueList,
  catalogueShow,
} from './catalogue';
import type { Command } from './command';
import { doctor } from './doctor';
import { init } from './init';
import { keyCrl, keyImportSeal, keyList, keyOfficer, keyRevoke, keyRotate } from './key';
import { peerShow, peerTest } from './peer';
import { personAdd } from './people';
import { serve, setup } from './setup';

/** Every command, in the order in which an administrator meets them. */
export const groups: readonly { title: Text; commands: readonly Command[] }[] = [
  { title: { zh: '节点', en: 'The node' }, commands: [init, serve, doctor, setup, personAdd] },
  { title: { zh: '名片', en: 'Cards' }, commands: [card, cardShow] },
  {
    title: { zh: '互认协议', en: 'Agreements' },
    commands: [
      agreementNew,
      agreementSign,
      agreementImport,
      agreementStatus,
      agreementShow,
      agreementDiffCommand,
      agreementAmend,
      agreementExport,
    ],
  },
  {
    title: { zh: '目录', en: 'Catalogues' },
    commands: [catalogueList, catalogueShow, catalogueExport, catalogueDiffCommand, catalogueCheck, catalogueImport],
  },
  { title: { zh: '对端', en: 'Peers' }, commands: [peerShow, peerTest] },
  {
    title: { zh: '密钥和证书', en: 'Keys and certificates' },
    commands: [keyList, keyRotate, keyRevoke, keyCrl, keyImportSeal, keyOfficer],
  },
];
