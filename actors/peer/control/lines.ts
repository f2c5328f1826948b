/** A line grew beyond what was agreed. */
class LineTooLongError extends Error {}

const NEWLINE = 0x0a

/** Cuts a byte stream into lines of at most `bytesMax` bytes, holding no more than one unfinished line. */
export class LineCutter {
  readonly #bytesMax: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The lines this chunk completes, without their newlines. Throws `LineTooLongError`. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at))
      lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#bytes = 0
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#bytes += part.length
    if (this.#bytes > this.#bytesMax) throw new LineTooLongError(`a line is longer than ${this.#bytesMax} bytes`)
    this.#parts.push(part)
  }
}
