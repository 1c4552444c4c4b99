import { Lane, type LaneCallbacks, type LaneContext, type PushProgress } from './lane';

/** One lane per peer, started when there may be something to deliver. */
export class Lanes {
  private readonly lanes = new Map<string, Lane>();

  constructor(
    private readonly context: LaneContext,
    private readonly callbacks: LaneCallbacks,
  ) {}

  wake(peer: string): void {
    let lane = this.lanes.get(peer);
    if (!lane) {
      lane = new Lane(peer, this.context, this.callbacks);
      this.lanes.set(peer, lane);
      lane.start();
    }
    lane.wake();
  }

  progress(peer: string, jti: string): PushProgress | null {
    return this.lanes.get(peer)?.pushProgress(jti) ?? null;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((lane) => lane.stop()));
  }
}
