export * from './audit-log';
export type { LogState } from './log-store';
export type { LogKeys } from './sequencer';
