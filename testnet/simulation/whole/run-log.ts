import { crc32 } from 'node:zlib'
import { LogHash } from '../world/log-hash.ts'
import type { TraceLine } from '../world/world.ts'

/** What a line of the log is about. */
export const LINE = { sent: 1, heard: 2, final: 3, state: 4, executed: 5, fault: 6, client: 7 } as const

/** Everything that happened in a run, as a hash, and line by line for whoever traces it. */
export class RunLog {
  readonly #hash = new LogHash()
  readonly #nowUs: () => number
  readonly #trace: ((line: TraceLine) => void) | null
  #lines = 0

  constructor(nowUs: () => number, trace: ((line: TraceLine) => void) | null) {
    this.#nowUs = nowUs
    this.#trace = trace
  }

  get lines(): number {
    return this.#lines
  }

  /** @param node - the process; 255: the world itself */
  add(node: number, kind: keyof typeof LINE, what: string, bytes?: Uint8Array): void {
    this.#lines += 1
    this.#hash.add(this.#nowUs(), node, LINE[kind], crc32(bytes ?? new Uint8Array(0), crc32(what)))
    this.#trace?.({ atUs: this.#nowUs(), node, kind, what: bytes === undefined ? what : [what, bytes] })
  }

  /** 32 bytes in hex: equal for equal runs. */
  digest(): string {
    return Buffer.from(this.#hash.digest()).toString('hex')
  }
}
