/** A wait that can be ended before its time; one at a time. */
export class Pause {
  private wakeUp: () => void = () => undefined;

  /** Until `ms` have passed, or `end`. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = () => undefined;
  }

  end(): void {
    this.wakeUp();
  }
}
