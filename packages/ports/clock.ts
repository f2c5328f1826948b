/** Undoes what returned it. Calling it twice is harmless. */
export type Cancel = () => void

/**
 * Time. The monotonic clock orders and measures; the wall clock is only ever shown to people,
 * put into signed records, and compared with generous bounds.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin, fractional. Never goes back. */
  now(): number
  /** Milliseconds since 1970-01-01 UTC, as the machine believes. May jump either way. */
  wall(): number
  /**
   * Calls `run` once, `delayMs` or more from now, and only after all input that had arrived by
   * then has been handed over: Node runs expired timers before socket data that is already in
   * the kernel, so after a stall a naive timeout acts on a past that was not so.
   */
  after(delayMs: number, run: () => void): Cancel
  /**
   * Calls `run` once this turn of the event loop is over: what is to leave together is gathered until then. A clock without
   * it is asked for `after(0)`, which on a real machine is a millisecond or two later.
   */
  turn?(run: () => void): void
}
