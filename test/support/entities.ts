import { LeaseRow } from '@jieqiao/platform';

export const entities = [LeaseRow];
