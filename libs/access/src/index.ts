export * from './access';
export type { Identity } from './access-token';
export * from './permissions';
export * from './person';
export * from './reasons';
export * from './scope';
