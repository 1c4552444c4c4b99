/** Node ids: a short name and the GB/T 2260 code of the jurisdiction, `pinghu.330482`. */
export const nodePattern = '^[a-z][a-z0-9-]{0,39}\\.[0-9]{6}$';

/** Who a node's certificate speaks for; stands in its subject alternative name. */
export const nodeUrn = (node: string): string => `urn:jieqiao:node:${node}`;

/** Who a seal certificate speaks for: the authority whose node this is. */
export const sealUrn = (node: string): string => `urn:jieqiao:seal:${node}`;

/** Numbers of enforcement certificates (执法证号). */
export const certNoPattern = '^[0-9A-Za-z-]{4,32}$';

/** Who an officer's certificate speaks for: the holder of an enforcement certificate, at an authority's node. */
export const officerUrn = (node: string, certNo: string): string => `urn:jieqiao:officer:${node}:${certNo}`;

/** The origin line and key name of a node's log (C2SP tlog-checkpoint). */
export const logOrigin = (node: string): string => `jieqiao.log/${node}`;
