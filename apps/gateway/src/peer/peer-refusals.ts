import type { AuditLog } from '@jieqiao/audit';
import { type Digest, type ErrorCode, hasCode, isDigest } from '@jieqiao/core';
import type { Database } from '@jieqiao/platform';

const windowMs = 60_000;
/** Strangers choose their certificates freely; past this many in a window they are counted together. */
const maxDistinct = 64;

interface Refusal {
  code: ErrorCode;
  fingerprint: Digest | null;
  count: number;
}

/**
 * Logs connections that were refused. The first of a kind is logged at once, its repetitions are counted and logged
 * once a minute: a stranger who knocks all day can't fill the log.
 */
export class PeerRefusals {
  private readonly counts = new Map<string, Refusal>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly db: Database,
    private readonly audit: AuditLog,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  record(error: unknown): void {
    const code: ErrorCode = hasCode(error) ? error.code : 'PEER_UNKNOWN';
    const claimed = hasCode(error) ? error.params.fingerprint : undefined;
    const fingerprint = isDigest(claimed) && this.counts.size < maxDistinct ? claimed : null;
    const key = `${code} ${fingerprint ?? ''}`;
    const known = this.counts.get(key);
    if (known) {
      known.count++;
      return;
    }
    this.counts.set(key, { code, fingerprint, count: 0 });
    this.timer ??= setTimeout(() => void this.flush(), windowMs).unref();
    void this.write([{ code, fingerprint, count: 1 }]);
  }

  async flush(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const repeated = [...this.counts.values()].filter((refusal) => refusal.count > 0);
    this.counts.clear();
    await this.write(repeated);
  }

  private async write(refusals: Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    try {
      await this.db.transaction((tx) =>
        this.audit.append(
          tx,
          refusals.map((subject) => ({ event: 'peer.refused', subject })),
        ),
      );
    } catch (error) {
      this.onFailure(error);
    }
  }
}
