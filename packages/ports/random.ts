/** Randomness. One source a peer; in the simulator one seeded stream a subsystem. */
export interface Random {
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1), 53 bits. For jitter, never for secrets. */
  float(): number
}
