export * from './batcher';
export * from './blob-store';
export * from './config';
export * from './database';
export * from './lease';
export * from './logging';
export * from './metrics';
export * from './step';
