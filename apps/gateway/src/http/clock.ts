/** Injects what the node takes for the time, a `() => Date`. */
export const clock = Symbol('clock');
