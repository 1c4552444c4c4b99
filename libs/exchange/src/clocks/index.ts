export { Clocks } from './clocks';
export * from './deadlines';
export { Scheduler, type SchedulerSettings } from './scheduler';
export type { ClockFault } from './standing';
export { ClockRow, ReminderRow, SupervisionItemRow, type SupervisionKind, supervisionKinds } from './tables';
