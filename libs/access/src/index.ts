export * from './access';
export { type Identity, loadTokenSecret } from './access-token';
export * from './permissions';
export * from './person';
